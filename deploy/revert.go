package deploy

import (
	"errors"
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// Revert is the plan that restores what p changed, exactly and nothing else, after
// the deployment that was accepted failed. Its error says why there is none.
func (p Plan) Revert(accepted Accepted, failure error) (Plan, error) {
	f := verdict.Of("", failure).Failure()
	switch {
	case f.Status == verdict.Cancelled:
		return Plan{}, errors.New("a job that is stopped puts nothing back")
	case f.Status == verdict.Superseded:
		return Plan{}, errors.New("another client has deployed since")
	case accepted.Unchanged():
		return Plan{}, errors.New("the update made no deployment")
	case accepted.Ambiguous:
		return Plan{}, fmt.Errorf("deployment %s may be another client's with the same settings: the response to the update was lost, or came with a warning", accepted.ID)
	case f.Reason == verdict.API, f.Reason == verdict.Auth:
		return Plan{}, errors.New("the API does not say whether it failed")
	case f.Reason == verdict.ReasonUnproven:
		return Plan{}, errors.New("the test call does not prove that callers are not served")
	case f.Reason == verdict.Internal:
		return Plan{}, errors.New("it is not known whether it failed")
	}
	back, err := p.reversal()
	if err != nil {
		return Plan{}, event.Irreversible{Why: err}
	}
	return Plan{
		Request:  Request{Agent: p.Request.Agent},
		Baseline: Baseline{Agent: accepted.Agent, Region: p.Baseline.Region},
		Settings: back.Settings,
		Expected: settings.Shown(p.Baseline.Agent),
		Changes:  back.Changes,
		Reverts:  &accepted,
		failure:  f.Message,
	}, nil
}

// Reverted is the failure of p with how its rollback ended: restored, or err.
func (p Plan) Reverted(failure error, restored Accepted, err error) error {
	f := *verdict.Of("", failure).Failure()
	f.Rollback = &verdict.Rollback{}
	switch {
	case err == nil && restored.Unchanged():
		f.Rollback.Failure = failed(verdict.Refused, nil, "the rollback failed too: the platform made no deployment of it")
	case err == nil:
		f.Status = verdict.RolledBack
		f.Rollback.Message = fmt.Sprintf("rolled back to the previous version (deployment %s)", restored.ID)
		f.Rollback.Whole = p.notReported() == nil && p.overwritten() == nil
		if names := p.notReported(); names != nil {
			f.Rollback.Message += ", except " + strings.Join(names, " and ") + ", whose previous value the API does not report"
		}
		if names := p.overwritten(); names != nil {
			f.Rollback.Message += fmt.Sprintf("; secret set %q keeps the new values of %s", p.Request.Settings.SecretSet, strings.Join(names, ", "))
		}
		return &f
	default:
		came := *verdict.Of("", err).Failure()
		switch came.Status {
		case verdict.Cancelled:
			if restored.ID != "" {
				came.Message = fmt.Sprintf("the job was stopped while it rolled back; the rollback, deployment %s, continues without it", restored.ID)
			}
			f.Message = fmt.Sprintf("%s. It was to undo this: %s", came.Message, f.Message)
			f.Status, f.Reason, f.Rollback = came.Status, came.Reason, nil
			return &f
		case verdict.Superseded:
			came.Message = "it is not rolled back: " + came.Message
		default:
			came.Message = "the rollback failed too: " + came.Message
		}
		f.Rollback.Failure = &came
	}
	f.Rollback.Message = f.Rollback.Failure.Message
	return &f
}
