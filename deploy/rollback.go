package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/verdict"
)

// defaultSession is the longest session in seconds where none is set.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
const defaultSession = 7200

// Stays says that a deployment which failed is not rolled back, and why.
type Stays struct{ Why error }

// Undo is the change that puts back what c changed, exactly and nothing else,
// after the deployment that it made came to v. The error says why there is none.
func Undo(c Change, made Taken, v verdict.Verdict) (Change, error) {
	switch {
	case v.Status == verdict.Cancelled:
		return Change{}, errors.New("a job that is stopped puts nothing back")
	case v.Status == verdict.Superseded:
		return Change{}, errors.New("another's deployment is not rolled back")
	case made.Unchanged():
		return Change{}, errors.New("the update made no deployment")
	case made.Doubtful:
		return Change{}, fmt.Errorf("deployment %s may be another's, who asked for the same: the update's answer was lost, or came with a warning", made.ID)
	case v.Reason == verdict.API, v.Reason == verdict.Auth:
		return Change{}, errors.New("the API does not tell whether it failed")
	}
	undo := Change{Name: c.Name, Before: made.Agent, Undoes: made.ID}
	why := ""
	if undo.Settings, undo.Plan, why = c.Reverse(); why != "" {
		return Change{}, errors.New(why)
	}
	undo.Artefact.Image = undo.Settings.Image
	return undo, nil
}

// Untold lists the settings that are asked for and of which the platform does
// not tell what they were: a rollback leaves them as they are asked for now.
func (c Change) Untold() (names []string) {
	for _, s := range c.Plan {
		if s.From != "" && s.Before == "" && s.Name != "build-id" {
			names = append(names, s.Name)
		}
	}
	return names
}

// OfBuild reports whether what was there before a change is of a build, whose
// image the platform hides.
func (c Change) OfBuild() bool {
	if c.Before == nil {
		return false
	}
	_, tag, digest := parts(image(c.Before))
	return image(c.Before) != "" && tag+digest == ""
}

// Reverse is what puts back the settings that c changes, or why that cannot be
// done.
func (c Change) Reverse() (s pipecat.Settings, plan []Setting, why string) {
	switch {
	case c.Before == nil:
		return s, nil, "the agent was new, so there is nothing to go back to"
	case !c.Before.Ready || c.Before.ReconciledDeploymentID != c.Before.Desired():
		return s, nil, fmt.Sprintf("the deployment before it, %s, was not ready itself", c.Before.Desired())
	}
	before := c.Before.AutoScaling
	for _, setting := range c.Plan {
		if !setting.Changes() || setting.Before == "" {
			continue
		}
		was := setting.Before
		switch setting.Name {
		case "image":
			if c.OfBuild() {
				return s, nil, "what ran before is of a build, and the platform does not tell which"
			}
			s.Image = was
		case "image-credentials", "secret-set":
			if was == none {
				return s, nil, fmt.Sprintf("the agent had no %s, and the API cannot take one away", setting.Name)
			}
			if setting.Name == "secret-set" {
				s.SecretSet = was
			} else {
				s.ImagePullSecretSet = was
			}
		case "min-agents":
			s.AutoScaling = cmp.Or(s.AutoScaling, &pipecat.AutoScaling{})
			s.AutoScaling.MinAgents = before.MinReplicas
		case "max-agents":
			s.AutoScaling = cmp.Or(s.AutoScaling, &pipecat.AutoScaling{})
			s.AutoScaling.MaxAgents = before.MaxReplicas
		case "agent-profile":
			s.AgentProfile = was
		case "krisp-viva-audio-filter":
			s.KrispViva = c.Before.KrispViva
		case "max-session-duration":
			s.MaxSessionDuration = cmp.Or(c.Before.Deployment.Manifest.Spec.MaxSessionDurationSeconds, defaultSession)
		case "websocket-auth":
			s.WebsocketAuth = was
		case "node-type":
			s.NodeType = was
		}
		plan = append(plan, Setting{Name: setting.Name, Before: setting.After, After: was, From: "rollback"})
	}
	switch {
	case c.Artefact != Artefact{} && image(c.Before) == "":
		return s, nil, "the platform does not tell which image ran before"
	case !slices.ContainsFunc(plan, func(s Setting) bool { return !s.scales() }):
		return s, nil, "no setting changes that makes a deployment, and what was behind the image's tag before is not known"
	}
	return s, plan, ""
}

// uncontested makes sure, before a rollback is sent, that the deployment which
// it undoes is still the one that is desired. It returns the agent when that
// has the rollback already.
func (a *applier) uncontested(ctx context.Context) (*pipecat.Agent, error) {
	if a.Undoes == "" {
		return nil, nil
	}
	var shown string
	for _, wait := range a.patience(false) {
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Name)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, failed(verdict.API, err, "the agent cannot be read, and may be another's by now: %v", err)
		case agent.Desired() == a.Undoes:
			return nil, nil
		case !a.newer(agent): // the read lags
			shown = agent.Desired()
			continue
		}
		if found, err := a.find(ctx, 0); found != nil || err != nil {
			return found, err
		}
		return nil, &verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced,
			Message: fmt.Sprintf("deployment %s took over, which is not touched", agent.Desired())}
	}
	return nil, failed(verdict.API, nil, "the agent is shown with deployment %s, and so may be another's by now", shown)
}

// RolledBack is what a job comes to after c failed, given the rollback and what
// that came to.
func RolledBack(c Change, failure verdict.Verdict, back Taken, came verdict.Verdict) verdict.Verdict {
	switch came.Status {
	case verdict.Ready:
		// Between the last look and the rollback someone else may have deployed.
		if other := differs(shown(c.Before), back.Agent); other != "" {
			failure.Rollback = fmt.Sprintf("the rollback, deployment %s, serves, but is not what ran before, for someone else deployed meanwhile: its %s", back.ID, other)
			break
		}
		failure.Status = verdict.RolledBack
		failure.Rollback = fmt.Sprintf("what ran before is back, as deployment %s", back.ID)
	case verdict.Cancelled:
		if back.ID != "" {
			came.Message = fmt.Sprintf("the job was stopped while it rolled back; the rollback, deployment %s, goes on without it", back.ID)
		}
		failure.Message = fmt.Sprintf("%s. It was to undo this: %s", came.Message, failure.Message)
		failure.Status, failure.Reason = came.Status, came.Reason
	default:
		why := came.Message
		if came.Status == verdict.Unchanged {
			why = "the platform made no deployment of it"
		}
		failure.Rollback = "the rollback failed too: " + why
	}
	return failure
}

// shown are the settings that an agent shows.
func shown(agent *pipecat.Agent) pipecat.Settings {
	s := pipecat.Settings{AgentProfile: agent.AgentProfile, WebsocketAuth: agent.WebsocketAuth, KrispViva: agent.KrispViva}
	if agent.Deployment != nil {
		spec := agent.Deployment.Manifest.Spec
		s.Image, s.ImagePullSecretSet, s.MaxSessionDuration = spec.Image, spec.ImagePullSecretName, spec.MaxSessionDurationSeconds
		s.SecretSet = strings.Join(spec.EnvFromSecretNames, " ")
	}
	return s
}

// what names a change to who reads of it.
func (c Change) what() string {
	if c.Undoes != "" {
		return "the rollback"
	}
	return "the update"
}

// otherwise says what holds when a change was not made.
func (c Change) otherwise() string {
	if c.Undoes != "" {
		return "deployment " + c.Undoes + " stays"
	}
	return "nothing was deployed"
}
