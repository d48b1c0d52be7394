"""Private servers of one machine: a real Postgres and a real Redis, from wheels."""
