"""Electronic invoices for tests, written by hand after the published examples."""

from io import BytesIO

from pypdf import PdfWriter

_DATA = "urn:un:unece:uncefact:data:standard"
RAM = f"{_DATA}:ReusableAggregateBusinessInformationEntity:100"
UBL_LINE = """
<cac:{kind}Line>
  <cbc:ID>{number}</cbc:ID>
  <cbc:{quantity_name} unitCode="{unit}">{quantity}</cbc:{quantity_name}>
  <cbc:LineExtensionAmount currencyID="EUR">{amount}</cbc:LineExtensionAmount>
  {extra}
  <cac:Item><cbc:Name>{text}</cbc:Name></cac:Item>
  <cac:Price><cbc:PriceAmount currencyID="EUR">{price}</cbc:PriceAmount></cac:Price>
</cac:{kind}Line>
"""


def ubl_line(
    amount: str,
    *,
    number: str = "1",
    unit: str = "C62",
    quantity: str = "1",
    price: str = "",
    text: str = "Service",
    extra: str = "",
    kind: str = "Invoice",
) -> str:
    return UBL_LINE.format(
        kind=kind,
        quantity_name="InvoicedQuantity" if kind == "Invoice" else "CreditedQuantity",
        number=number,
        unit=unit,
        quantity=quantity,
        amount=amount,
        price=price or amount,
        text=text,
        extra=extra,
    )


def ubl(
    *lines: str,
    net: str = "1000.00",
    tax: str = "190.00",
    total: str = "1190.00",
    kind: str = "Invoice",
    head: str = "",
    number: str = "RE-2026-77",
    seller_tax: str = "DE123456789",
    seller_name: str = "Nordwind GmbH",
) -> bytes:
    type_code = (
        "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
        if kind == "Invoice"
        else "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>"
    )
    due = "<cbc:DueDate>2026-03-04</cbc:DueDate>" if kind == "Invoice" else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
  <cbc:ID>{number}</cbc:ID>
  <cbc:IssueDate>2026-02-02</cbc:IssueDate>
  {due}{type_code}
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  {head}
  <cac:AccountingSupplierParty><cac:Party>
    <cbc:EndpointID schemeID="0088">4000001000005</cbc:EndpointID>
    <cac:PartyName><cbc:Name>Nordwind</cbc:Name></cac:PartyName>
    <cac:PartyTaxScheme><cbc:CompanyID>{seller_tax}</cbc:CompanyID></cac:PartyTaxScheme>
    <cac:PartyLegalEntity>
      <cbc:RegistrationName>{seller_name}</cbc:RegistrationName>
    </cac:PartyLegalEntity>
  </cac:Party></cac:AccountingSupplierParty>
  <cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount></cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="EUR">{net}</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">{total}</cbc:TaxInclusiveAmount>
    <cbc:PayableAmount currencyID="EUR">{total}</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
  {"".join(lines)}
</{kind}>""".encode()


def cii(*, reference: str = "", lines: bool = True) -> bytes:
    line = (
        """
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:AssociatedDocumentLineDocument>
        <ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
      <ram:SpecifiedTradeProduct>
        <ram:Name>Consulting</ram:Name></ram:SpecifiedTradeProduct>
      <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice>
        <ram:ChargeAmount>95.50</ram:ChargeAmount></ram:NetPriceProductTradePrice>
      </ram:SpecifiedLineTradeAgreement>
      <ram:SpecifiedLineTradeDelivery>
        <ram:BilledQuantity unitCode="HUR">10.0000</ram:BilledQuantity>
      </ram:SpecifiedLineTradeDelivery>
      <ram:SpecifiedLineTradeSettlement>
        <ram:BillingSpecifiedPeriod>
          <ram:StartDateTime>
            <udt:DateTimeString format="102">20260101</udt:DateTimeString>
          </ram:StartDateTime>
          <ram:EndDateTime>
            <udt:DateTimeString format="102">20260131</udt:DateTimeString>
          </ram:EndDateTime>
        </ram:BillingSpecifiedPeriod>
        <ram:SpecifiedTradeSettlementLineMonetarySummation>
          <ram:LineTotalAmount>955.00</ram:LineTotalAmount>
        </ram:SpecifiedTradeSettlementLineMonetarySummation>
      </ram:SpecifiedLineTradeSettlement>
    </ram:IncludedSupplyChainTradeLineItem>"""
        if lines
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice
 xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="{RAM}"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocument>
    <ram:ID>RE-2026-78</ram:ID><ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime>
      <udt:DateTimeString format="102">20260202</udt:DateTimeString>
    </ram:IssueDateTime>
  </rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>{line}
    <ram:ApplicableHeaderTradeAgreement>
      <ram:SellerTradeParty>
        <ram:Name>Nordwind GmbH</ram:Name>
        <ram:SpecifiedTaxRegistration>
          <ram:ID schemeID="VA">DE123456789</ram:ID></ram:SpecifiedTaxRegistration>
      </ram:SellerTradeParty>
      <ram:BuyerOrderReferencedDocument>
        <ram:IssuerAssignedID>{reference}</ram:IssuerAssignedID>
      </ram:BuyerOrderReferencedDocument>
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeDelivery/>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradeAllowanceCharge>
        <ram:ChargeIndicator><udt:Indicator>false</udt:Indicator></ram:ChargeIndicator>
        <ram:ActualAmount>55.00</ram:ActualAmount><ram:Reason>Rebate</ram:Reason>
      </ram:SpecifiedTradeAllowanceCharge>
      <ram:SpecifiedTradePaymentTerms>
        <ram:DueDateDateTime>
        <udt:DateTimeString format="102">20260304</udt:DateTimeString>
        </ram:DueDateDateTime>
      </ram:SpecifiedTradePaymentTerms>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
        <ram:LineTotalAmount>955.00</ram:LineTotalAmount>
        <ram:AllowanceTotalAmount>55.00</ram:AllowanceTotalAmount>
        <ram:TaxBasisTotalAmount>900.00</ram:TaxBasisTotalAmount>
        <ram:TaxTotalAmount currencyID="EUR">171.00</ram:TaxTotalAmount>
        <ram:GrandTotalAmount>1071.00</ram:GrandTotalAmount>
        <ram:DuePayableAmount>1071.00</ram:DuePayableAmount>
      </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>""".encode()


def pdf(name: str | None, content: bytes = b"") -> bytes:
    """Return a PDF of one blank page, with the file embedded."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    if name is not None:
        writer.add_attachment(name, content)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()
