VERSION = "1.0.0"
"""Of the product, and of its OpenAPI documents."""
