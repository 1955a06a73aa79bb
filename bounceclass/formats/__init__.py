"""The dialects of notices without a standard, one module a family of software, each with a tuple NOTICES."""
