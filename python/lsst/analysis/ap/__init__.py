"""Pictures of DiaSources for people and for machines."""

__all__: tuple[str, ...] = ()
