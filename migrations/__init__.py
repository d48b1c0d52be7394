"""The history of the tables; `service.core.records` is their present."""
