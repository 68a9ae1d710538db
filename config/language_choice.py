from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from engagements.models import User
from engagements.services.languages import choose_language


@require_POST
def language_choice(request: HttpRequest) -> HttpResponseBase:
    """Keep the posted language: in a cookie, and with whoever is logged in."""
    language = request.POST.get("language", "")
    offered = {code for code, _name in settings.LANGUAGES}
    is_known = language in offered and check_for_language(language)
    if is_known and isinstance(request.user, User):
        choose_language(language=language, actor=request.user)
    return set_language(request)
