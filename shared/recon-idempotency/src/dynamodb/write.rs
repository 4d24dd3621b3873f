//! Conditional writes. Each gives the item as it was before, whether the condition held or not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::item::{
    Attribute, CLAIM_TOKEN, EXPIRES_AT, FENCE, IN_PROGRESS, Item, LEASE_UNTIL, PK, STATE, bytes, key, number,
    text,
};
use crate::{Claim, Error, StoreTime};

/// What decides about a record, and changes with each of its changes.
const DECIDING: [&str; 5] = [FENCE, CLAIM_TOKEN, STATE, LEASE_UNTIL, EXPIRES_AT];

/// What became of a conditional write.
pub(super) enum Written {
    /// It is done; this was there before.
    Done(Option<Item>),
    /// Nothing changed; this is there.
    Refused(Option<Item>),
    /// Nothing changed: a transaction on the same item was in between.
    Contended,
}

/// A condition, or what an update sets, with the names and values that stand for what is in it.
#[derive(Debug, Default)]
pub(super) struct Expression {
    parts: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// Nothing is there.
    fn absent() -> Self {
        let mut absent = Self::default();
        absent.is_missing(PK);
        absent
    }

    /// What is there is what was seen.
    fn unchanged(seen: &Item) -> Self {
        let mut unchanged = Self::default();
        for name in DECIDING {
            match seen.get(name) {
                Some(value) => unchanged.is(name, "=", value.clone()),
                None => unchanged.is_missing(name),
            }
        }
        unchanged
    }

    /// The record is open, its last claim is this one, and it has not expired.
    fn held(claim: &Claim, now: StoreTime) -> Self {
        let mut held = Self::default();
        held.is(FENCE, "=", number(claim.proof.fence));
        held.is(CLAIM_TOKEN, "=", bytes(claim.proof.claim_token.as_bytes()));
        held.is(STATE, "=", text(IN_PROGRESS));
        held.is(EXPIRES_AT, ">", number(now.micros()));
        held
    }

    fn is(&mut self, name: &'static str, operator: &str, value: AttributeValue) {
        self.parts.push(format!("#{name} {operator} :is_{name}"));
        self.names.insert(format!("#{name}"), name.to_owned());
        self.values.insert(format!(":is_{name}"), value);
    }

    fn is_missing(&mut self, name: &'static str) {
        self.parts.push(format!("attribute_not_exists(#{name})"));
        self.names.insert(format!("#{name}"), name.to_owned());
    }

    fn condition(&self) -> String {
        self.parts.join(" and ")
    }

    fn values(self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then_some(self.values)
    }
}

/// Counts how often a request is sent.
#[derive(Debug, Clone, Default)]
struct Sendings(Arc<AtomicU32>);

impl Intercept for Sendings {
    fn name(&self) -> &'static str {
        "Sendings"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A table that records may be kept in.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// What a write of the three kinds came to.
macro_rules! written {
    ($sent:expr, $error:ident) => {
        match $sent {
            Ok(output) => Ok(Written::Done(output.attributes)),
            Err(error) => match error.as_service_error() {
                Some($error::ConditionalCheckFailedException(failed)) => {
                    Ok(Written::Refused(failed.item.clone()))
                }
                Some($error::TransactionConflictException(_)) => Ok(Written::Contended),
                _ => Err(unavailable(error)),
            },
        }
    };
}

impl Table {
    /// Writes a record in place of nothing, or of what was seen.
    pub(super) async fn put(&self, item: Item, over: Option<&Item>) -> Result<Written, Error> {
        let condition = over.map_or_else(Expression::absent, Expression::unchanged);
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let put = put
            .condition_expression(condition.condition())
            .set_expression_attribute_names(Some(condition.names.clone()))
            .set_expression_attribute_values(condition.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        written!(put.send().await, PutItemError)
    }

    /// The same as a part of a transaction.
    pub(super) fn put_in_transaction(&self, item: Item, over: Option<&Item>) -> Result<Put, Error> {
        let condition = over.map_or_else(Expression::absent, Expression::unchanged);
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition.condition())
            .set_expression_attribute_names(Some(condition.names.clone()))
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        put.build().map_err(|source| Error::Unavailable { source: source.into() })
    }

    /// Changes the record of a claim that still holds it; of what is not set, `unset` goes.
    pub(super) async fn update(
        &self,
        claim: &Claim,
        now: StoreTime,
        set: Vec<Attribute>,
        unset: Option<&'static str>,
    ) -> Result<Written, Error> {
        let mut expression = Expression::held(claim, now);
        let condition = expression.condition();
        let mut changes = Vec::new();
        for (name, value) in set {
            changes.push(format!("#{name} = :{name}"));
            expression.names.insert(format!("#{name}"), name.to_owned());
            expression.values.insert(format!(":{name}"), value);
        }
        let mut update = format!("set {}", changes.join(", "));
        if let Some(name) = unset {
            update.push_str(&format!(" remove #{name}"));
            expression.names.insert(format!("#{name}"), name.to_owned());
        }
        let (name, value) = key(claim.id);
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(name, value)
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(expression.names.clone()))
            .set_expression_attribute_values(expression.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        written!(request.send().await, UpdateItemError)
    }

    /// Deletes the record of a claim that still holds it, and says how often that was sent.
    pub(super) async fn delete(&self, claim: &Claim, now: StoreTime) -> Result<(Written, u32), Error> {
        let sent = Sendings::default();
        let condition = Expression::held(claim, now);
        let (name, value) = key(claim.id);
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key(name, value)
            .condition_expression(condition.condition())
            .set_expression_attribute_names(Some(condition.names.clone()))
            .set_expression_attribute_values(condition.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let written: Result<_, Error> =
            written!(request.customize().interceptor(sent.clone()).send().await, DeleteItemError);
        Ok((written?, sent.0.load(Ordering::Relaxed)))
    }

    /// Reads what was written last, and never an older state.
    pub(super) async fn get(&self, id: crate::RecordId) -> Result<Option<Item>, Error> {
        let (name, value) = key(id);
        let get = self.client.get_item().table_name(&self.name).key(name, value).consistent_read(true);
        Ok(get.send().await.map_err(unavailable)?.item)
    }
}

pub(super) fn unavailable<E, R>(error: SdkError<E, R>) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    Error::Unavailable { source: error.into() }
}
