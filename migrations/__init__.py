"""The history of the tables; `service.core.tables` is their present."""
