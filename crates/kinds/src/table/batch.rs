//! Work that ends, work that begins at times, and who decides how many pods work.

use super::row;
use crate::strategies as rules;
use crate::{Kind, columns};

/// Jobs, cron jobs, autoscalers.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("batch", "v1", "Job", "jobs")
            .all()
            .orphans(true)
            .generation()
            .status()
            .selectable(&["status.successful"])
            .renamed(&[("status.successful", "status.succeeded")])
            .columns(columns::JOB)
            .strategy(&rules::Job),
        row("batch", "v1", "CronJob", "cronjobs")
            .short(&["cj"])
            .all()
            .generation()
            .status()
            .columns(columns::CRON_JOB)
            .strategy(&rules::CronJob),
        row("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
            .short(&["hpa"])
            .all()
            .generation()
            .status()
            .columns(columns::AUTOSCALER)
            .strategy(&rules::HorizontalPodAutoscaler),
    ]
}
