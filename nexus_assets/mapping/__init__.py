"""The words that entities are written in: entity, column, reference, source, parser, reject reason."""
