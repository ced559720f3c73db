"""Walks the events of a simulator with the published client, and again with nothing but urllib.

    events.py http://127.0.0.1:8017

Both walks must find the same events. The client is used as it comes: its own configuration states
where the server is, its own models read the answers.
"""

import base64
import json
import sys
import urllib.parse
import urllib.request

import onelogin
from onelogin.models.generate_token_request import GenerateTokenRequest

CLIENT_ID, CLIENT_SECRET = "demo-client", "demo-secret"
EVENTS = "/api/1/events"
SINCE, UNTIL = "2026-02-25T00:00:00.000Z", "2026-03-20T12:00:00.000Z"
# More pages than there are: a walk that does not end is found.
MOST_PAGES = 100


def walk(first_page, page_after):
    """The ids of all events, and the number of pages."""
    ids = []
    page = first_page()
    for number in range(1, MOST_PAGES + 1):
        events, cursor = page
        ids += events
        if not cursor:
            return ids, number
        page = page_after(cursor)
    sys.exit(f"the walk does not end after {MOST_PAGES} pages")


def with_the_client(url):
    configuration = onelogin.Configuration(host=url, username=CLIENT_ID, password=CLIENT_SECRET)
    client = onelogin.ApiClient(configuration)
    request = GenerateTokenRequest(grant_type="client_credentials")
    token = onelogin.OAuth2Api(client).generate_token(request)
    assert token.token_type == "bearer" and token.expires_in == 36000, token
    configuration.access_token = token.access_token

    def read(answer):
        assert answer.status.code == 200 and not answer.status.error, answer.status
        for event in answer.data:
            assert event.user_id is None or event.user_name, event
        return [event.id for event in answer.data], answer.pagination.after_cursor

    def first_page():
        return read(onelogin.EventsApi(client).get_events(since=SINCE, until=UNTIL))

    def page_after(cursor):
        # `get_events` has no parameter for a cursor, so this is what it is made of.
        return read(client.call_api(
            EVENTS, "GET",
            query_params=[("since", SINCE), ("until", UNTIL), ("after_cursor", cursor)],
            header_params={"Accept": "application/json"},
            auth_settings=["OAuth2"],
            response_types_map={"200": "GetEvents200Response"},
            _return_http_data_only=True,
        ))

    walked = walk(first_page, page_after)
    types = onelogin.EventsApi(client).get_event_types()
    assert any(kind.name == "USER_FAILED_CREATING_IN_APP" for kind in types.data), types
    people = onelogin.UsersV2Api(client).list_users2(user_ids="30000000,30000001,30000002")
    assert people and all(person.email for person in people), people
    left = onelogin.OAuth2Api(client).get_rate_limit().data
    assert left.x_rate_limit_remaining < left.x_rate_limit_limit == 5000, left
    return walked


def with_urllib(url):
    def answer(request):
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    token = answer(urllib.request.Request(
        f"{url}/auth/oauth2/v2/token",
        data=b"grant_type=client_credentials",
        headers={"Authorization": f"Basic {pair}"},
    ))["access_token"]

    def page(**cursor):
        query = urllib.parse.urlencode({"since": SINCE, "until": UNTIL, **cursor})
        headers = {"Authorization": f"bearer:{token}"}
        read = answer(urllib.request.Request(f"{url}{EVENTS}?{query}", headers=headers))
        return [event["id"] for event in read["data"]], read["pagination"]["after_cursor"]

    return walk(page, lambda cursor: page(after_cursor=cursor))


def main():
    (url,) = sys.argv[1:]
    (theirs, pages), (ours, _) = with_the_client(url), with_urllib(url)
    assert len(set(ours)) == len(ours), "an event came twice"
    assert theirs == ours, f"{len(theirs)} events with the client, {len(ours)} without"
    assert pages > 2, f"only {pages} pages: nothing was tried"
    print(f"  {len(theirs)} events on {pages} pages, the same with the client and without")


main()
