"""What the OpenAPI document says of the resource contract and of its calls."""
