"""The language in which somebody reads the product."""

from django.db import transaction

from engagements.models import User


@transaction.atomic
def choose_language(*, language: str, actor: User) -> None:
    """Keep the choice for the next log-in and for mails.

    It says nothing of the organisation's records: no event tells of it, and who has
    the person's form open meanwhile needn't open it anew.
    """
    User.objects.filter(pk=actor.pk).update(language=language)
