"""Steps from an empty database to the tables of the store, run by Alembic when a store is opened."""
