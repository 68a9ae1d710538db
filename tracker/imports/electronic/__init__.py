"""Electronic invoices: UBL 2.1 and CII, bare or within a PDF, to drafts."""
