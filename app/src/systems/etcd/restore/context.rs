//! What all parts of the form share: what is typed, what is found about it, and the presses that resolve it.

use std::sync::Arc;

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Finding, Report, Severity};

use super::form::RestoreForm;
use super::form::fix::{Known, fixes};
use crate::components::findings::Findings;
use crate::focus::focus;
use crate::format;
use crate::plan_form::{RootChoice, is_about};

/// The form with its findings.
#[derive(Clone, Copy)]
pub struct FormContext {
    /// What is typed.
    pub form: RwSignal<RestoreForm>,
    /// What is found.
    pub report: Memo<Report>,
    basis: StoredValue<Basis>,
}

struct Basis {
    inspection: Arc<Inspection>,
    roots: Vec<RootChoice>,
    /// A token that was never used, for the presses that need one.
    token: String,
    /// What changed since the plan that the form was filled from, by the field it is about.
    drift: Vec<(String, String)>,
}

impl FormContext {
    pub(super) fn new(
        form: RwSignal<RestoreForm>,
        report: Memo<Report>,
        inspection: Arc<Inspection>,
        roots: Vec<RootChoice>,
        token: String,
        drift: Vec<(String, String)>,
    ) -> Self {
        Self {
            form,
            report,
            basis: StoredValue::new(Basis {
                inspection,
                roots,
                token,
                drift,
            }),
        }
    }

    /// The snapshot.
    pub fn inspection(&self) -> Arc<Inspection> {
        self.basis.with_value(|basis| basis.inspection.clone())
    }

    /// Where the server may place the result.
    pub fn roots(&self) -> Vec<RootChoice> {
        self.basis.with_value(|basis| basis.roots.clone())
    }

    /// What first blocks in this part of the request; empty when nothing does.
    pub fn error(self, field: impl Fn() -> String + Send + Sync + 'static) -> Memo<String> {
        Memo::new(move |_| {
            let field = field();
            self.report.with(|report| {
                let found = report.blocking_in(&field);
                found
                    .map(|finding| finding.what.clone())
                    .unwrap_or_default()
            })
        })
    }

    /// The buttons of a finding. After a press the element with the id `anchor` has the focus: the button is gone.
    pub fn acts(self, anchor: &'static str) -> Callback<Finding, AnyView> {
        Callback::new(move |finding: Finding| {
            let found = self.basis.with_value(|basis| {
                let known = Known {
                    inspection: &basis.inspection,
                    roots: &basis.roots,
                    token: &basis.token,
                };
                self.form
                    .with_untracked(|form| fixes(&finding, form, &known))
            });
            if found.is_empty() {
                return ().into_any();
            }
            let buttons = found.into_iter().map(|fix| {
                let label = fix.label(format::number);
                let press = move |_| {
                    self.form.update(|form| fix.apply(form));
                    focus(anchor);
                };
                view! { <button type="button" class="button small" on:click=press>{label}</button> }
            });
            view! { <div class="acts">{buttons.collect_view()}</div> }.into_any()
        })
    }

    /// On a narrow screen, where the report is far below: what is found about these parts of the request, beside them.
    /// What blocks and has no button is said by the field's own error.
    pub fn near(
        self,
        anchor: &'static str,
        about: impl Fn(&Finding) -> bool + Send + Sync + 'static,
    ) -> impl IntoView {
        let findings = Memo::new(move |_| {
            let worth =
                |finding: &&Finding| finding.severity >= Severity::Warning && about(finding);
            self.report.with(|report| {
                report
                    .findings
                    .iter()
                    .filter(worth)
                    .cloned()
                    .collect::<Vec<_>>()
            })
        });
        move || {
            let findings = findings.get();
            (!findings.is_empty()).then(|| {
                view! { <div class="near"><Findings findings none="" acts=self.acts(anchor) /></div> }
            })
        }
    }

    /// [`Self::near`] for fields by their names.
    pub fn near_fields(
        self,
        anchor: &'static str,
        fields: &'static [&'static str],
    ) -> impl IntoView {
        self.near(anchor, move |finding| {
            fields.iter().any(|field| is_about(finding, field))
        })
    }

    /// What changed here since the plan that the form was filled from.
    pub fn drifted(&self, field: &str) -> impl IntoView + use<> {
        let what = self.basis.with_value(|basis| {
            let here = |(of, _): &&(String, String)| {
                of.strip_prefix(field)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            basis
                .drift
                .iter()
                .filter(here)
                .map(|(_, what)| what.clone())
                .collect::<Vec<_>>()
        });
        (!what.is_empty()).then(|| {
            view! { <p class="drifted"><strong>"Changed since the earlier plan: "</strong> {what.join(" ")}</p> }
        })
    }
}
