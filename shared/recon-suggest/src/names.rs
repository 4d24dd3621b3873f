//! What names of columns say about their roles, in English, German, French, Spanish and Dutch.

use recon_domain::Normalize;

use crate::read::Preparer;
use crate::score::{SCORE_MAX, Score};

/// Of a name that holds a word for the role as one of its words.
const WORD: Score = 7_500;
/// Of a name that holds a word for the role inside a longer one.
const PART: Score = 5_000;
/// The fewest letters of a word that is looked for inside others.
const PART_LETTERS_MIN: usize = 4;

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Amount,
    Debit,
    Credit,
    Currency,
    Date,
    Reference,
    Description,
    Counterparty,
    Account,
}

const AMOUNT: &str = "\
    amount, amt, value, sum, total, net amount, gross amount, betrag, umsatz, summe, wert, montant, \
    somme, importe, monto, valor, suma, bedrag, som, totaal, waarde";
/// Numbers that stand beside an amount and are none of their own.
const NOT_AMOUNT: &str = "\
    balance, saldo, solde, kontostand, tax, vat, mwst, ust, steuer, tva, taxe, iva, impuesto, btw, \
    belasting, fee, gebuehr, gebuhr, frais, comision, kosten, quantity, qty, menge, anzahl, quantite, \
    cantidad, aantal, rate, kurs, taux, tasa, koers, limit, id, year, jahr, annee, ano, jaar, line, \
    zeile, ligne, linea, regel, discount, rabatt";
const DEBIT: &str = "\
    debit, dr, soll, belastung, ausgang, debe, cargo, cargos, adeudo, af, withdrawal, withdrawals, \
    paid out, money out, sortie, uitgaven, depenses, debet";
const CREDIT: &str = "\
    credit, cr, haben, gutschrift, eingang, haber, abono, abonos, bij, deposit, deposits, paid in, \
    money in, entree, inkomsten, recettes";
const CURRENCY: &str = "\
    currency, ccy, cur, curr, currency code, waehrung, wahrung, whrg, wkz, devise, monnaie, moneda, \
    divisa, valuta, munt, muntsoort";
const DATE: &str = "\
    date, day, booked, booked on, posted, posted on, posting date, booking date, transaction date, \
    value date, datum, tag, buchungstag, buchungsdatum, valuta, valutadatum, wertstellung, belegdatum, \
    jour, date operation, date comptable, date valeur, fecha, fecha operacion, fecha valor, \
    fecha contable, dia, boekdatum, boekingsdatum, rentedatum, transactiedatum, dag, timestamp, \
    created at, zeitpunkt";
/// Dates that say when something is to happen, not when it did.
const NOT_DATE: &str = "\
    due, faellig, fallig, faelligkeit, falligkeit, echeance, vencimiento, vervaldatum, birth, \
    geburtsdatum, expiry, expires";
const REFERENCE: &str = "\
    reference, ref, ref no, refno, reference no, reference number, invoice, invoice no, invoice number, \
    order, order id, order no, transaction id, txn id, tx id, document, document no, voucher, \
    end to end id, payment id, referenz, rechnung, rechnungsnummer, rechnungsnr, beleg, belegnummer, \
    belegnr, auftragsnummer, kundenreferenz, facture, numero facture, no facture, piece, numero piece, \
    referencia, factura, numero factura, pedido, referentie, kenmerk, betalingskenmerk, factuur, \
    factuurnummer, ordernummer, key, phone, telephone, isin, sku";
const DESCRIPTION: &str = "\
    description, desc, memo, text, details, detail, narrative, narration, purpose, particulars, note, \
    notes, remark, remittance information, verwendungszweck, zweck, buchungstext, beschreibung, \
    bezeichnung, libelle, motif, communication, designation, concepto, descripcion, detalle, \
    observaciones, omschrijving, mededeling, mededelingen, toelichting";
const COUNTERPARTY: &str = "\
    counterparty, partner, payee, payer, beneficiary, customer, supplier, vendor, merchant, name, \
    company, client, auftraggeber, empfaenger, empfanger, zahlungspflichtiger, beguenstigter, kunde, \
    lieferant, gegenpartei, firma, nom, beneficiaire, donneur d ordre, tiers, fournisseur, \
    contrepartie, nombre, beneficiario, ordenante, cliente, proveedor, contraparte, naam, tegenpartij, \
    begunstigde, klant, leverancier";
const ACCOUNT: &str = "\
    account, account no, account number, iban, konto, kontonummer, compte, cuenta, rekening, \
    rekeningnummer, tegenrekening";

/// How clearly a column's name says that it has this meaning.
pub(crate) fn score(meaning: Meaning, name: &str) -> Score {
    let words = words(name);
    match meaning {
        Meaning::Amount if best(NOT_AMOUNT, &words) > 0 => 0,
        Meaning::Date if best(NOT_DATE, &words) > 0 => PART / 2,
        Meaning::Amount => best(AMOUNT, &words),
        Meaning::Debit => best(DEBIT, &words),
        Meaning::Credit => best(CREDIT, &words),
        Meaning::Currency => best(CURRENCY, &words),
        Meaning::Date => best(DATE, &words),
        Meaning::Reference => best(REFERENCE, &words),
        Meaning::Description => best(DESCRIPTION, &words),
        Meaning::Counterparty => best(COUNTERPARTY, &words),
        Meaning::Account => best(ACCOUNT, &words),
    }
}

/// The words of a name in lower case, without accents. `valueDate` has two.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut apart = String::with_capacity(name.len() + 8);
    let mut before_is_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && before_is_lower {
            apart.push(' ');
        }
        before_is_lower = letter.is_lowercase();
        apart.push(letter);
    }
    let plain = Preparer::new(None, &[Normalize::Lower, Normalize::Accents]).prepared(&apart);
    plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The best score of the known names, which are divided by commas.
fn best(known: &str, words: &[String]) -> Score {
    let whole = words.join(" ");
    let score = |term: &str| {
        if whole == term {
            return SCORE_MAX;
        }
        let is_run = || {
            let term: Vec<&str> = term.split(' ').collect();
            words.windows(term.len()).any(|run| run.iter().zip(&term).all(|(word, part)| word == part))
        };
        if is_run() {
            return WORD;
        }
        let is_part = term.len() >= PART_LETTERS_MIN && words.iter().any(|word| word.contains(term));
        if is_part { PART } else { 0 }
    };
    known.split(", ").map(score).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_five_languages_and_many_spellings() {
        for (meaning, names) in [
            (Meaning::Amount, ["Amount", "BETRAG", "montant", "Importe", "bedrag", "amt"].as_slice()),
            (Meaning::Currency, &["Währung", "ccy", "Devise", "moneda", "Munt"]),
            (
                Meaning::Date,
                &["Value date", "Buchungstag", "posted_on", "fecha_valor", "Boekdatum", "valueDate"],
            ),
            (Meaning::Reference, &["Reference", "ref_no", "Rechnungsnummer", "Référence", "factuurnummer"]),
            (Meaning::Description, &["memo", "Verwendungszweck", "Libellé", "concepto", "Omschrijving"]),
            (Meaning::Counterparty, &["Payee", "Empfänger", "fournisseur", "proveedor", "Tegenpartij"]),
            (Meaning::Debit, &["Soll", "Débit", "debe", "Af"]),
            (Meaning::Credit, &["Haben", "Crédit", "haber", "Bij"]),
        ] {
            for name in names {
                assert!(score(meaning, name) >= WORD, "{meaning:?} {name}");
            }
        }
    }

    #[test]
    fn longer_names_count_for_less() {
        assert_eq!(score(Meaning::Amount, "Betrag (EUR)"), WORD);
        assert_eq!(score(Meaning::Amount, "Zahlungsbetrag"), PART);
        assert_eq!(score(Meaning::Counterparty, "Auftraggeber / Empfänger"), WORD);
    }

    #[test]
    fn what_stands_beside_an_amount_is_none() {
        for name in ["Balance", "Saldo nach Buchung", "VAT amount", "Kontostand"] {
            assert_eq!(score(Meaning::Amount, name), 0, "{name}");
        }
        assert!(score(Meaning::Date, "due date") < PART);
    }

    #[test]
    fn a_name_without_words_says_nothing() {
        for name in ["", "column_1", "col2", "€", "_"] {
            for meaning in [Meaning::Amount, Meaning::Date, Meaning::Reference, Meaning::Description] {
                assert_eq!(score(meaning, name), 0, "{name}");
            }
        }
    }
}
