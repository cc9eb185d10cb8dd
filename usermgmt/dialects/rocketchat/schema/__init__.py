"""What the OpenAPI document says of the Rocket.Chat contract and of its calls: a module a kind of call."""
