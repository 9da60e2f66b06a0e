"""Job `promote`: what `nqpf release promote` does, from Dagster's page. The executor of all jobs holds the lock."""

import dagster as dg

from dagster_project.defs.publish import PUBLISHED, signature_check
from dagster_project.errors import Refusal
from dagster_project.operations.promote import Signature, promote
from dagster_project.paths import Paths


class PromoteConfig(dg.Config):
    """Who signs, and for which candidate; as the options of `nqpf release promote`."""

    by: str
    role: str = ""
    note: str = ""
    candidate: str = ""
    all_seen: bool = False
    not_before: str = ""


def build_promote_job(paths: Paths) -> dg.JobDefinition:
    @dg.op(description="Publishes the newest candidate, or the one that is named, with the signature of the config.")
    def sign(context: dg.OpExecutionContext, config: PromoteConfig) -> None:
        signature = Signature(config.by, config.role, config.note, config.all_seen, config.not_before)
        try:
            name = promote(paths, config.candidate or None, signature)
        except Refusal as refusal:
            raise dg.Failure(str(refusal), allow_retries=False) from refusal
        context.log_event(
            dg.AssetMaterialization(PUBLISHED, metadata={"release": name, "is_new": True, "signed_by": config.by})
        )
        result = signature_check(paths)
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=PUBLISHED, check_name=result.check_name or "", passed=result.passed, metadata=result.metadata
            )
        )

    @dg.job(name="promote", description="Sign a candidate: it becomes the current release by the one rename.")
    def promote_job() -> None:
        sign()

    return promote_job
