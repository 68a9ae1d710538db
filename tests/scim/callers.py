"""Identity tools as they call: JSON with a key as Bearer token."""

import json

from django.test import Client

from tracker.api.services import create_api_key

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


class Tool:
    """One identity tool; bodies are dictionaries, answers are Django's."""

    def __init__(self, owner, *scopes, name="Okta"):
        self.client = Client(raise_request_exception=False)
        _key, self.key = create_api_key(
            name=name, scopes=list(scopes), owner=owner, actor=owner
        )

    def send(self, method, path, body=None, **headers):
        return self.client.generic(
            method,
            f"/scim/v2{path}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {self.key}"} | headers,
        )

    def get(self, path, **parameters):
        return self.client.get(
            f"/scim/v2{path}",
            parameters,
            headers={"Authorization": f"Bearer {self.key}"},
        )

    def push(self, user_name, **more):
        """Create a person and return what was answered."""
        answer = self.send(
            "POST", "/Users", {"schemas": [USER], "userName": user_name} | more
        )
        assert answer.status_code == 201, answer.content
        return answer.json()

    def patch(self, path, *operations, **headers):
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self.send("PATCH", path, body, **headers)
