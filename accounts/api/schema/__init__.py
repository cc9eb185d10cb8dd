"""What the OpenAPI document says of the native contract and of its calls: a module a resource."""
