def test_the_seeds_john_doe_is_created(cast, call):
    answer = call(cast.administrator).post(
        "/users",
        {
            "name": "John Doe",
            "email": "john.doe@example.com",
            "password": "securepassword",
            "password_confirmation": "securepassword",
            "client_id": cast.acme.pk,
        },
    )
    assert answer.status_code == 201
    assert answer.json()["client"] == {"id": cast.acme.pk, "name": "Acme"}
