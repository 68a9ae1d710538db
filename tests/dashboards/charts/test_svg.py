from decimal import Decimal

from django.template import Context, Template

from tracker.dashboards.charts.svg import Svg, element, pixels, shortened


def test_element_escapes_text_and_attributes():
    drawn = element("text", {"aria-label": '"><script>'}, "<b>&</b>")

    assert drawn == (
        '<text aria-label="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&lt;/b&gt;</text>'
    )


def test_element_keeps_elements_inside_it():
    assert element("g", {}, element("line", {"x1": 1})) == '<g><line x1="1"/></g>'


def test_element_writes_numbers_without_exponent():
    assert element("rect", {"x": Decimal("1E+2")}) == '<rect x="100"/>'


def test_svg_is_printed_by_templates_as_it_is():
    context = Context({"drawing": Svg("<svg/>"), "text": "<svg/>"})

    printed = Template("{{ drawing }} {{ text }}").render(context)

    assert printed == "<svg/> &lt;svg/&gt;"


def test_pixels_round_to_a_hundredth():
    assert pixels(Decimal("1.239")) == Decimal("1.24")


def test_shortened_marks_the_cut():
    assert shortened("Calder & Finch", 14) == "Calder & Finch"
    assert shortened("Calder & Finch", 8) == "Calder…"
