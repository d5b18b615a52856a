use proptest::prelude::*;

use super::*;
use crate::{contact::write_plan::tests::contact, table::Key};

fn search(text: &str) -> Search {
    Search::from_text(&text.to_owned().try_into().unwrap())
}

fn named(name: &str) -> Contact {
    Contact { name: Some(name.to_owned()), ..contact(1) }
}

fn finds(text: &str, contact: &Contact) -> bool {
    search(text).matches(contact)
}

#[test]
fn a_search_matches_a_name_by_the_beginning_of_each_word_in_any_order() {
    let name = named("Zoë Anne-Marie O'Brien");
    for text in ["zoe", "ZOË", "ann", "brien zoe", "mar zo", "o brien", "  anne-mar "] {
        assert!(finds(text, &name), "{text}");
    }
    for text in ["nne", "zoe x", "brian", "zoe@", "zoe-x"] {
        assert!(!finds(text, &name), "{text}");
    }
}

#[test]
fn a_short_name_is_found_by_its_full_text() {
    assert!(finds("li wu", &named("Li Wu")) && finds("li wu", &named("Li Wulan")));
    assert!(finds("佐藤 愛", &named("佐藤 愛")));
    assert!(!finds("li wu", &named("Lina Wulan")) && !finds("x y", &named("X Y")));
}

#[test]
fn apostrophes_and_hyphens_neither_hide_a_name_nor_are_needed() {
    for name in ["O'Brien", "O’Brien", "O-Brien", "O‐Brien", "OʼBrien"] {
        for text in ["O'Br", "obrien", "OBr", "o'brien", "o’brien", "brien", "o brien", "o-brie"]
        {
            assert!(finds(text, &named(name)), "{text} finds {name}");
        }
    }
    // The typed apostrophe is not needed in the stored name either.
    assert!(finds("o'brien", &named("O Brien")) && finds("o'brien", &named("OBrien")));
    assert!(finds("annemarie", &named("Anne-Marie")) && finds("anne-m", &named("Anne Marie")));
    assert!(!finds("o'brian", &named("O'Brien")) && !finds("x'brien", &named("O'Brien")));
}

#[test]
fn letters_without_a_normal_form_are_found_by_their_basic_letters() {
    for (text, name) in [
        ("lukasz", "Łukasz"),
        ("soren", "Søren"),
        ("dang", "Đặng Thị"),
        ("yildirim", "Yıldırım"),
        ("YILDIRIM", "yıldırım"),
        ("gross", "Groß"),
        ("groß", "GROSS"),
        ("thordur", "Þórður"),
    ] {
        assert!(finds(text, &named(name)), "{text} finds {name}");
    }
}

#[test]
fn an_email_address_is_found_in_every_form_that_means_the_same_address() {
    let contact = Contact { emails: vec!["zo\u{EB}.\u{3C3}@x.example".to_owned()], ..contact(1) };
    for text in [
        "ZO\u{CB}.",
        "zoe\u{308}.\u{3C2}@X",
        "\u{200B}zo\u{EB}.",
        "zo\u{2060}\u{EB}.\u{3A3}@x.example\u{FEFF}",
    ] {
        assert!(finds(text, &contact), "{text:?}");
        let found = search(text).position(&contact);
        assert!(
            found.is_some_and(|position| position.starts_with("zo\u{EB}.\u{3C3}@")),
            "{text:?}"
        );
    }
    assert!(finds(
        "\u{393}\u{399}\u{3A9}\u{3A1}\u{393}\u{39F}\u{3A3}",
        &named("Γιώργος Παπαδόπουλος")
    ));
}

#[test]
fn each_readable_word_of_a_text_has_ranges_that_contain_every_match() {
    let ranges = |text: &str| search(text).ranges_by_word().len();
    assert_eq!(ranges("contact rizki"), 2);
    // "li" has too few letters to be read by its beginning.
    assert_eq!(ranges("li contact"), 1);
    assert_eq!(ranges("anna berta clara dora"), 3);
    // A name that has only the parts of "o'brien" is not in a range of "ien".
    assert_eq!(ranges("o'brien contact"), 2);
}

#[test]
fn a_name_in_han_kana_or_hangul_is_found_from_its_first_character_on() {
    for (text, name) in [
        ("王", "王芳"),
        ("王芳", "王芳"),
        ("芳", "王芳"),
        ("王 芳", "王芳"),
        ("佐", "佐藤 愛"),
        ("佐藤", "佐藤 愛"),
        ("愛", "佐藤 愛"),
        ("김", "김민수"),
        ("김민", "김민수"),
        ("민수", "김민수"),
        ("ガ", "ガード"),
        ("ｶﾞ", "ガード"),
        ("li 王", "Li 王芳"),
    ] {
        assert!(finds(text, &named(name)), "{text} finds {name}");
    }
    for (text, name) in [("カ", "ガード"), ("수", "김민수"), ("芳王", "王芳"), ("一", "二")]
    {
        assert!(!finds(text, &named(name)), "{text} does not find {name}");
    }
}

#[test]
fn an_email_is_found_by_its_beginning_with_or_without_the_at_sign() {
    let contact = Contact { emails: vec!["Ann.Lee@Shop.example".to_owned()], ..named("Budi") };
    for text in ["ann", "ann.lee", "ANN.LEE@shop", "ann.lee@shop.example"] {
        assert!(finds(text, &contact), "{text}");
    }
    for text in ["lee", "shop", "ann lee", "ann@"] {
        assert!(!finds(text, &contact), "{text}");
    }
}

#[test]
fn a_search_text_that_is_too_short_or_too_long_is_refused() {
    for text in ["", "  ", "an", " é\u{301} ", "a\u{1}"] {
        let refused = SearchText::try_from(text.to_owned());
        assert_eq!(refused, Err(SearchTextError::TooShort), "{text:?}");
    }
    assert_eq!(SearchText::try_from("x".repeat(321)), Err(SearchTextError::TooLong));
    assert!(search("- -").ranges().is_empty());
}

/// Names, emails and phones that are built from a few characters, so that search texts often match
/// contacts.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[aàAb]{1,5}",
        "(an|ann|anna|Änne|li|wu|佐藤|佐|愛|王芳|芳|김민수|민|Ольга|ольга|محمد|a'b|an-na|ab-a-b)",
        "[0-2]{1,4}",
    ];
    proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "))
}

fn any_contact() -> impl Strategy<Value = Contact> {
    let emails = proptest::collection::vec("[abn]{1,5}(\\.[ab]{1,3})?@[ab]\\.id", 0..3);
    let phones = proptest::collection::vec("(\\+62 81|081|\\+33 1|0012|62)[0-2]{0,9}", 0..3);
    (any_text(), emails, phones).prop_map(|(name, emails, phones)| Contact {
        emails,
        phones,
        ..named(&name)
    })
}

fn any_search() -> impl Strategy<Value = Search> {
    let address = "[abn]{1,4}(\\.[ab]{0,2})?(@[ab]?)?";
    let number = "(\\+62 ?81|\\+628|081|81|\\+33 1|0012|62)[0-2 -]{0,6}";
    let text = prop_oneof![any_text(), address, number];
    text.prop_filter_map("too short", |text| Some(Search::from_text(&text.try_into().ok()?)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_matching_contact_has_one_position_among_the_words_of_one_range(
        search in any_search(), contact in any_contact()
    ) {
        let ranges = search.ranges();
        let company = "acme".parse().unwrap();
        let ranges_with = |key: &Key| ranges.iter().filter(|range| {
            let (above, below) = range.bounds();
            range.partition().pk(&company) == key.pk && above < key.sk && key.sk < below
        }).count();
        let keys: Vec<Key> = index_words(&contact)
            .iter()
            .map(|word| Key::word(&company, word, contact.id))
            .collect();
        prop_assert!(keys.iter().all(|key| ranges_with(key) <= 1), "ranges overlap: {ranges:?}");
        // The contact's lowest position in the ranges. Positions have the order in which the table
        // is read.
        let first = keys.iter().filter(|key| ranges_with(key) == 1).map(|key| key.sk.clone()).min();
        prop_assert_eq!(search.position(&contact), first.clone());
        prop_assert!(!search.matches(&contact) || first.is_some(), "{search:?} does not read it");
    }
}
