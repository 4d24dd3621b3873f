//! Who Bergmann Gerätebau GmbH deals with. All of them are made up.

/// Customers who pay in euros.
pub(super) const CUSTOMERS: [&str; 20] = [
    "Müller & Söhne Metallbau KG",
    "Hansewerk Antriebe GmbH",
    "Schröder Fördertechnik AG",
    "Elbtal Maschinen GmbH & Co. KG",
    "Größl Präzision GmbH",
    "Jäger Anlagenbau GmbH",
    "Nordlicht Solar eG",
    "Krämer Kältetechnik e. K.",
    "Tischlerei Vößing",
    "Gemeindewerke Altenfeld",
    "Weißenborn Logistik GmbH",
    "Hofgut Lüders",
    "Petersen & Koch oHG",
    "Brückner Hydraulik GmbH",
    "Ateliers du Rhin SARL",
    "Fährbetrieb Ostufer GmbH",
    "Käserei Altmühl eG",
    "Böttcher Feinmechanik",
    "Kunststoffwerk Wielandt AG",
    "Zahnradfabrik Uhlig GmbH",
];

/// Customers who pay in another currency.
pub(super) const CUSTOMERS_ABROAD: [(&str, &str); 6] = [
    ("Lakeview Instruments Inc.", "USD"),
    ("Harbor Tooling LLC", "USD"),
    ("Prairie Dairy Systems Inc.", "USD"),
    ("Alpina Messtechnik AG", "CHF"),
    ("Zürcher Uhrenteile GmbH", "CHF"),
    ("Outillage Léman Sàrl", "CHF"),
];

/// Suppliers, paid by the twice-weekly payment run.
pub(super) const SUPPLIERS: [&str; 14] = [
    "Stahlhandel Reuß GmbH",
    "Elektro Grünwald",
    "Spedition Möllers",
    "Büro-Löwe GmbH",
    "Verpackung Süßmann KG",
    "Farben Täubert",
    "Norddraht AG",
    "Kugellager Heise GmbH",
    "Werkzeugschleiferei Öhme",
    "IT-Haus Lübben GmbH",
    "Gebäudereinigung Klarmann",
    "Schrauben-Jürgens",
    "Gießerei Hüttner GmbH",
    "Laserzentrum Weißach GmbH",
];

/// Who debits the account every month: name, day of the month, cents, what for.
pub(super) const DEBITS: [(&str, i8, i64, &str); 6] = [
    ("Immobilien Holstentor KG", 1, 485_000, "Miete Halle 3"),
    ("Energie Travemünde GmbH", 5, 131_247, "Abschlag Strom"),
    ("Telefon Nord AG", 11, 21_489, "Rechnung Telefon"),
    ("Hanseatica Versicherung a. G.", 15, 61_850, "Beitrag Betriebshaftpflicht"),
    ("Leasing-Kontor GmbH", 20, 73_912, "Leasingrate Fräsmaschine"),
    ("Wasserverband Trave", 25, 8_964, "Abschlag Wasser"),
];

/// Who is paid at the end of the month: name and cents.
pub(super) const EMPLOYEES: [(&str, i64); 12] = [
    ("Anke Bergmann", 412_055),
    ("Jörg Thießen", 318_740),
    ("Fatma Yıldız", 301_512),
    ("Uwe Köster", 287_966),
    ("Małgorzata Zielińska", 276_430),
    ("Sören Petersen", 264_118),
    ("Björn Wäger", 259_377),
    ("Claudia Groß", 248_201),
    ("Nguyen Thi Hoa", 241_989),
    ("Timo Schäfer", 233_650),
    ("Lena Fröhlich", 118_425),
    ("Karl-Heinz Rübsam", 45_000),
];

/// A name as banks pass it on: capitals, umlauts spelt out, at most 27 characters.
pub(super) fn as_banks_write(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        match letter {
            'ä' | 'Ä' => text.push_str("AE"),
            'ö' | 'Ö' => text.push_str("OE"),
            'ü' | 'Ü' => text.push_str("UE"),
            'ß' => text.push_str("SS"),
            'é' => text.push('E'),
            'à' => text.push('A'),
            'ı' => text.push('I'),
            'ł' => text.push('L'),
            'ń' => text.push('N'),
            other => text.extend(other.to_uppercase()),
        }
    }
    text.chars().take(27).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_write_capitals_and_cut_long_names() {
        assert_eq!(as_banks_write("Müller & Söhne Metallbau KG"), "MUELLER & SOEHNE METALLBAU");
        assert_eq!(as_banks_write("Małgorzata Zielińska"), "MALGORZATA ZIELINSKA");
    }
}
