//! A strict reader of what Prometheus reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::{BTreeMap, BTreeSet};

/// Each series with its value: `name{label="value"}`.
pub(crate) type Series = BTreeMap<String, f64>;

/// Reads an exposition. Fails on whatever a scraper may refuse: a sample without its type, families in pieces, a series
/// twice, names and labels that are none, histograms that do not add up.
pub(crate) fn read(text: &str) -> Result<Series, String> {
    if !text.ends_with('\n') {
        return Err("it does not end with a line feed".to_owned());
    }
    let mut series = Series::new();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines() {
        let failed = |why: &str| Err(format!("{why}: {line}"));
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.splitn(3, ' ').collect();
            match words[..] {
                ["HELP", name, _] if is_name(name) => name.clone_into(&mut family),
                ["TYPE", name, kind] if name == family || is_name(name) => {
                    name.clone_into(&mut family);
                    if !["counter", "gauge", "histogram"].contains(&kind) {
                        return failed("an unknown type");
                    }
                    if types.insert(family.clone(), kind.to_owned()).is_some() {
                        return failed("a family that was there before");
                    }
                }
                _ => return failed("neither help nor type"),
            }
            continue;
        }
        let Some((key, value)) = line.rsplit_once(' ') else { return failed("no value") };
        let Ok(value) = value.parse::<f64>() else { return failed("no number") };
        let name = key.split('{').next().unwrap_or_default();
        if !is_name(name) || !are_labels(&key[name.len()..]) {
            return failed("no name, or no labels");
        }
        let of_histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        let is_of_family = match types.get(&family).map(String::as_str) {
            Some("histogram") => of_histogram == Some(family.as_str()),
            Some("counter") => name == family && name.ends_with("_total") && value >= 0.0,
            Some(_) => name == family,
            None => false,
        };
        if !is_of_family {
            return failed("not of the family above it");
        }
        if series.insert(key.to_owned(), value).is_some() {
            return failed("a series that was there before");
        }
    }
    check_histograms(&series)?;
    Ok(series)
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_' || other == ':')
}

/// Whether it is nothing, or `{name="value",…}` with values without raw quotes and line feeds.
fn are_labels(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(mut rest) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else { return false };
    let mut names = BTreeSet::new();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once("=\"") else { return false };
        if !is_name(name) || name.contains(':') || !names.insert(name.to_owned()) {
            return false;
        }
        let mut end = None;
        let mut is_escaped = false;
        for (at, character) in after.char_indices() {
            match character {
                '"' if !is_escaped => {
                    end = Some(at);
                    break;
                }
                'n' | '"' | '\\' if is_escaped => is_escaped = false,
                _ if is_escaped => return false,
                '\\' => is_escaped = true,
                _ => {}
            }
        }
        let Some(end) = end else { return false };
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    true
}

/// Buckets grow, the last is that of infinity, and has as many as are counted.
fn check_histograms(series: &Series) -> Result<(), String> {
    for (count_key, count) in series.iter().filter(|(key, _)| key.split('{').next().unwrap().ends_with("_count")) {
        let (name, labels) = count_key.split_once('{').unwrap_or((count_key, ""));
        let name = name.trim_end_matches("_count");
        let labels = labels.trim_end_matches('}');
        let mut buckets: Vec<(f64, f64)> = series
            .iter()
            .filter(|(key, _)| key.starts_with(&format!("{name}_bucket{{")) && key.contains(labels))
            .map(|(key, value)| {
                let bound = key.split("le=\"").nth(1).unwrap().split('"').next().unwrap();
                (bound.parse().unwrap(), *value)
            })
            .collect();
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
        let grow = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        if !grow || buckets.last() != Some(&(f64::INFINITY, *count)) {
            return Err(format!("the buckets of {count_key} do not add up: {buckets:?}"));
        }
    }
    Ok(())
}

#[test]
fn what_a_scraper_refuses_is_refused() {
    let good = "# HELP a_total What it is.\n# TYPE a_total counter\na_total{b=\"c\\\"d\",e=\"\"} 1\na_total 0.5\n";
    assert_eq!(read(good).unwrap().len(), 2);
    let histogram =
        "# HELP h A.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n";
    assert_eq!(read(histogram).unwrap().len(), 4);
    for bad in [
        "a_total 1\n".to_owned(),
        good.trim_end().to_owned(),
        format!("{good}a_total 2\n"),
        format!("{good}other 2\n"),
        format!("{good}a_total{{b=\"c\"d\"}} 2\n"),
        format!("{good}a_total{{2b=\"c\"}} 2\n"),
        format!("{good}a_total{{b=\"c\"}} many\n"),
        format!("{good}{histogram}{good}"),
        histogram.replace("h_count 3", "h_count 4"),
        histogram.replace("h_bucket{le=\"1\"} 2", "h_bucket{le=\"1\"} 4"),
        good.replace("counter", "summary"),
    ] {
        assert!(read(&bad).is_err(), "{bad}");
    }
}
