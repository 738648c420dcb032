// Guides first, then tasks and commands, then what is generated from the code: for readers who search with words.
// The numbers that are not in `score` are those of Sphinx.
var Scorer = {
  score: ([docname, title, anchor, descr, score]) =>
    /\/py-api\/|^py-api\/|\/(rooms|python-api|architecture)$/.test(docname) ? score - 100
      : /\/(tasks|scripts)\//.test(docname) ? score
        : score + 20,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
