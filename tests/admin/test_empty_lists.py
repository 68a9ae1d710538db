from engagements.choices import Role
from tests.factories import make_user, make_vendor


def shown(client, address):
    return client.get(address).content.decode()


def test_list_without_records_offers_the_first_one(client, db):
    client.force_login(make_user(Role.MANAGER))

    page = shown(client, "/admin/engagements/vendor/")

    assert "Nothing is here yet" in page
    assert "The first one that you add will stand here." in page
    assert 'href="/admin/engagements/vendor/add/"' in page
    assert "Show all" not in page


def test_list_of_what_others_record_offers_nothing_to_add(client, db):
    client.force_login(make_user(Role.AUDITOR))

    page = shown(client, "/admin/engagements/vendor/")

    assert "What others or the product itself record will stand here." in page
    assert 'href="/admin/engagements/vendor/add/"' not in page


def test_search_that_finds_nothing_leads_back_to_all(client, db):
    make_vendor()
    client.force_login(make_user(Role.MANAGER))

    page = shown(client, "/admin/engagements/vendor/?q=nobody-is-called-so")

    assert "Nothing fits what is asked for" in page
    assert 'href="?"' in page
    assert "Nothing is here yet" not in page
