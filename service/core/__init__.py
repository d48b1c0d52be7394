"""The core: catalog, tables and operations of the zoo, without frameworks and torch."""
