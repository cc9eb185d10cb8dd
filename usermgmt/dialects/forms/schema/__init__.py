"""What the OpenAPI document says of the forms contract and of its calls."""
