//! Opens both datasets and looks at a sample of them.

use axum::extract::State;
use recon_contract::{Code, GivenRules, Problem, RuleSuggestion, SuggestRules, options, rules};
use recon_domain::{DatasetId, ReadOptions, Side};
use recon_formats::mapping::Input;
use recon_formats::{Keep, dataset_parquet};
use recon_runtime::{Answer, Caller, Payload, Refusal, Reply, WaitingFor};
use recon_store::{Error, ObjectError, ObjectReader};

use crate::Deps;
use crate::looking::GoOn;

/// A dataset whose rows can be read.
struct Stored {
    columns: ObjectReader,
    options: ReadOptions,
}

pub(crate) async fn suggest(
    State(deps): State<Deps>,
    caller: Caller,
    Payload(request): Payload<SuggestRules>,
) -> Answer<RuleSuggestion> {
    let turn = deps.looking.turn().await?;
    let left = stored(&deps, &caller, Side::Left, request.left).await?;
    let right = stored(&deps, &caller, Side::Right, request.right).await?;
    let waiting = [(request.left, &left), (request.right, &right)];
    let waiting = waiting.map(|(id, stored)| (id, WaitingFor(stored.columns.clone())));
    let look = move |go_on: GoOn<'_>| look(left, right, request.rules, go_on);
    let looked = turn.run(look).await?;
    let failure = || waiting.iter().find_map(|(id, object)| Some((id, object.0.failure()?)));
    let suggestion = looked.map_err(|refusal| match failure() {
        // It was deleted meanwhile.
        Some((id, ObjectError::NotFound { .. })) => Refusal::not_found("dataset", id),
        Some((_, failure)) => failure.into(),
        None => refusal,
    });
    Ok(Reply::ok(&suggestion?))
}

async fn stored(deps: &Deps, caller: &Caller, which: Side, id: DatasetId) -> Result<Stored, Refusal> {
    let record = deps.datasets.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("dataset", id))?;
    let Some(content) = record.content else {
        return Err(Error::DatasetNotReady { which, id, status: record.status }.into());
    };
    let options = options::from_json(&record.options.read()?).map_err(Refusal::internal)?;
    match deps.objects.reader(&content.object).await {
        Ok(columns) => Ok(Stored { columns, options }),
        // It was deleted after its record was read.
        Err(ObjectError::NotFound { .. }) => Err(Refusal::not_found("dataset", id)),
        Err(error) => Err(error.into()),
    }
}

fn look(
    left: Stored,
    right: Stored,
    given: Option<GivenRules>,
    go_on: GoOn<'_>,
) -> Result<RuleSuggestion, Refusal> {
    let open = |columns| dataset_parquet::Reader::of(columns, &Keep::Columns(Vec::new()));
    let mut left_source = open(left.columns).map_err(Refusal::internal)?;
    let mut right_source = open(right.columns).map_err(Refusal::internal)?;
    if let Some(given) = &given {
        let checked = rules::check_columns(&given.rules, left_source.header(), right_source.header());
        checked.map_err(|errors| Problem::from(errors.within("/rules")))?;
    }
    let left = Input { source: &mut left_source, options: left.options };
    let right = Input { source: &mut right_source, options: right.options };
    let Some(GivenRules { rules, document }) = given else {
        return recon_suggest::suggest(left, right, go_on).map_err(refused);
    };
    let (expected, sample) = recon_suggest::expect(&rules, left, right, go_on).map_err(refused)?;
    Ok(RuleSuggestion {
        rules: Some(document),
        draft: None,
        expected,
        sample,
        evidence: Vec::new(),
        questions: Vec::new(),
    })
}

fn refused(error: recon_suggest::Error) -> Refusal {
    match error {
        recon_suggest::Error::Mapping(error) => Refusal::new(Code::ValidationFailed, error.to_string()),
        recon_suggest::Error::Cancelled => Refusal::new(Code::TimedOut, error.to_string()),
        error @ recon_suggest::Error::Source { .. } => Refusal::internal(error),
    }
}
