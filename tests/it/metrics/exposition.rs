//! The text format of Prometheus, read as strictly as it is written down: what is read twice, out of its place or not at all
//! is a fault.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};

/// What an admin port answers.
pub(super) async fn text(address: &str) -> String {
    reqwest::get(address).await.unwrap().text().await.unwrap()
}

/// The same, read.
pub(crate) async fn scrape(address: &str) -> Exposition {
    let text = text(address).await;
    Exposition::read(&text).unwrap_or_else(|fault| panic!("{fault:#}\n{text}"))
}

/// Names and values.
pub(super) type Labels = BTreeMap<String, String>;

/// What a scrape says.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    metrics: BTreeMap<String, Metric>,
}

/// A metric, with every sample by its name and labels: a histogram has some of several names.
#[derive(Debug)]
struct Metric {
    kind: String,
    samples: BTreeMap<(String, Labels), f64>,
}

impl Exposition {
    /// Reads a scrape.
    pub(super) fn read(text: &str) -> Result<Self> {
        ensure!(text.ends_with('\n'), "the last line has no end");
        let mut read = Self::default();
        let (mut helped, mut present) = (None, None);
        for (index, line) in text.lines().enumerate() {
            let took = read.take(line, &mut helped, &mut present);
            took.with_context(|| format!("line {}: {line}", index + 1))?;
        }
        ensure!(helped.is_none(), "{helped:?} has a help and no type");
        for (name, metric) in &read.metrics {
            metric.check(name).with_context(|| format!("{} {name}", metric.kind))?;
        }
        Ok(read)
    }

    fn take(&mut self, line: &str, helped: &mut Option<String>, present: &mut Option<String>) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, about) = help.split_once(' ').context("a help without words")?;
            ensure!(is_name(name, true) && !about.is_empty() && !about.contains('\\'), "no help");
            ensure!(helped.replace(name.to_owned()).is_none(), "two helps in a row");
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').context("a type without a kind")?;
            ensure!(helped.take().as_deref() == Some(name), "a type without its help before it");
            ensure!(["counter", "gauge", "histogram"].contains(&kind), "an unknown type");
            let metric = Metric { kind: kind.to_owned(), samples: BTreeMap::new() };
            ensure!(self.metrics.insert(name.to_owned(), metric).is_none(), "the metric is there twice");
            *present = Some(name.to_owned());
        } else {
            ensure!(helped.is_none(), "a sample between a help and its type");
            let family = present.as_ref().context("a sample before any type")?;
            let (name, labels, value) = sample(line)?;
            let metric = self.metrics.get_mut(family).context("a metric without a type")?;
            ensure!(metric.has(family, &name), "a sample of another metric than {family}");
            ensure!(metric.samples.insert((name, labels), value).is_none(), "the series is there twice");
        }
        Ok(())
    }

    /// Each metric as a line: name, type, names of labels.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let lines = self.metrics.iter().map(|(name, metric)| {
            let labels: BTreeSet<_> = metric.samples.keys().flat_map(|(_, labels)| labels.keys()).collect();
            let labels: Vec<_> = labels.into_iter().filter(|label| *label != "le").cloned().collect();
            format!("{name} {} {}", metric.kind, labels.join(",")).trim_end().to_owned()
        });
        lines.collect()
    }

    /// Every series.
    pub(super) fn series(&self) -> BTreeSet<&(String, Labels)> {
        self.metrics.values().flat_map(|metric| metric.samples.keys()).collect()
    }

    /// The value of a series, given as `name` or `name{label="value"}`.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let (name, labels, _) = sample(&format!("{series} 0")).ok()?;
        let key = (name, labels);
        self.metrics.values().find_map(|metric| metric.samples.get(&key).copied())
    }

    /// Fails unless every counter, those of histograms included, is there again and has not become less.
    pub(super) fn grew_from(&self, before: &Self) -> Result<()> {
        for (name, metric) in before.metrics.iter().filter(|(_, metric)| metric.kind != "gauge") {
            let now = self.metrics.get(name).with_context(|| format!("{name} is gone"))?;
            for (key, was) in &metric.samples {
                let is = now.samples.get(key).with_context(|| format!("{key:?} is gone"))?;
                ensure!(is >= was, "{key:?} fell from {was} to {is}");
            }
        }
        Ok(())
    }
}

impl Metric {
    /// Whether a sample of this name is one of the metric's.
    fn has(&self, family: &str, name: &str) -> bool {
        match (self.kind.as_str(), name.strip_prefix(family)) {
            ("histogram", Some(part)) => ["_bucket", "_sum", "_count"].contains(&part),
            (_, Some("")) => true,
            _ => false,
        }
    }

    fn check(&self, family: &str) -> Result<()> {
        ensure!(!self.samples.is_empty(), "it has no series");
        let all_finite = self.samples.values().all(|value| value.is_finite());
        ensure!(all_finite || self.kind == "gauge", "it is no number");
        match self.kind.as_str() {
            "counter" => {
                ensure!(family.ends_with("_total"), "a counter's name ends with _total");
                ensure!(self.samples.values().all(|value| *value >= 0.0), "it is below 0");
            }
            "histogram" => self.check_histograms(family)?,
            _ => ensure!(!family.ends_with("_total"), "it is named as a counter"),
        }
        Ok(())
    }

    fn check_histograms(&self, family: &str) -> Result<()> {
        let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), count) in &self.samples {
            let mut labels = labels.clone();
            let limit = labels.remove("le");
            match (name.ends_with("_bucket"), limit) {
                (true, Some(limit)) => {
                    let limit = if limit == "+Inf" { f64::INFINITY } else { limit.parse()? };
                    buckets.entry(labels).or_default().push((limit, *count));
                }
                (false, None) => _ = buckets.entry(labels).or_default(),
                _ => bail!("buckets have a limit, and nothing else has"),
            }
        }
        for (labels, mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            ensure!(
                buckets.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{labels:?}: a limit is there twice"
            );
            ensure!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{labels:?}: not cumulative");
            let part = |part: &str| self.samples.get(&(format!("{family}{part}"), labels.clone()));
            let (sum, count) = (part("_sum").context("no sum")?, part("_count").context("no count")?);
            ensure!(buckets.last() == Some(&(f64::INFINITY, *count)), "{labels:?}: +Inf is not the count");
            ensure!(*sum >= 0.0 && (*count > 0.0 || *sum == 0.0), "{labels:?}: the sum is {sum}");
            ensure!(buckets.len() > 1, "{labels:?}: no limits");
        }
        Ok(())
    }
}

/// A line of a sample.
fn sample(line: &str) -> Result<(String, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let value = value.parse().context("the value is no number")?;
    let (name, labels) = match series.split_once('{') {
        None => (series, Labels::new()),
        Some((name, labels)) => (name, read_labels(labels.strip_suffix('}').context("no closing brace")?)?),
    };
    ensure!(is_name(name, true), "the name is none");
    Ok((name.to_owned(), labels, value))
}

fn read_labels(mut rest: &str) -> Result<Labels> {
    let mut labels = Labels::new();
    loop {
        let (name, after) = rest.split_once("=\"").context("a label without a value")?;
        ensure!(is_name(name, false), "the label {name} is none");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().context("a value without its end")? {
                (end, '"') => break end,
                (_, '\\') => match characters.next().context("an escape of nothing")?.1 {
                    'n' => value.push('\n'),
                    escaped @ ('\\' | '"') => value.push(escaped),
                    other => bail!("an escape of {other}"),
                },
                (_, character) => value.push(character),
            }
        };
        ensure!(labels.insert(name.to_owned(), value).is_none(), "the label {name} is there twice");
        match &after[end + 1..] {
            "" => return Ok(labels),
            more => rest = more.strip_prefix(',').context("no comma between labels")?,
        }
    }
}

fn is_name(name: &str, is_metric: bool) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || is_metric && byte == b':';
    !name.is_empty() && name.bytes().all(known) && !name.as_bytes()[0].is_ascii_digit()
}

#[test]
fn what_is_out_of_place_is_a_fault() {
    let histogram =
        |buckets: &str| format!("# HELP h about\n# TYPE h histogram\n{buckets}h_sum 1\nh_count 2\n");
    let fine = "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n";
    Exposition::read(&histogram(fine)).unwrap();
    for (text, fault) in [
        ("# HELP a_total b\n# TYPE a_total counter\na_total 1", "no end"),
        ("a_total 1\n", "before any type"),
        ("# TYPE a_total counter\na_total 1\n", "without its help"),
        ("# HELP a_total b\n# TYPE a_total counter\na_total 1\na_total 2\n", "series is there twice"),
        ("# HELP a_total b\n# TYPE a_total counter\nb_total 1\n", "another metric"),
        ("# HELP a_total b\n# TYPE a_total counter\na_total -1\n", "below 0"),
        ("# HELP a_total b\n# TYPE a_total counter\na_total NaN\n", "no number"),
        ("# HELP a_total b\n# TYPE a_total counter\na_total{b=\"c\",b=\"d\"} 1\n", "there twice"),
        ("# HELP a_total b\n# TYPE a_total counter\na_total{b=\"c\"d=\"e\"} 1\n", "comma"),
        ("# HELP a_total b\n# TYPE a_total counter\n", "no series"),
        ("# HELP a b\n# TYPE a counter\na 1\n", "_total"),
        ("# HELP a_total b\n# TYPE a_total gauge\na_total 1\n", "named as a counter"),
        (&histogram("h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\n"), "not cumulative"),
        (&histogram("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n"), "not the count"),
        (&histogram("h_bucket{le=\"+Inf\"} 2\n"), "no limits"),
    ] {
        let error = format!("{:#}", Exposition::read(text).expect_err(text));
        assert!(error.contains(fault), "{text}: {error}");
    }
}
