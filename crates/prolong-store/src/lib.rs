//! Where sessions live: the trait, memory, SQLite, migrations, the conformance suite
