package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// defaultSession is the longest session in seconds where none is set.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
const defaultSession = 7200

// Kept says that a deployment which failed is not rolled back, and why.
type Kept struct{ Why error }

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
	settings, plan, err := c.Reverse()
	if err != nil {
		return Change{}, err
	}
	return Change{Name: c.Name, Before: made.Agent, Settings: settings, Plan: plan, Undoes: made.ID, Restores: made.Previous}, nil
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
	if c.Before == nil || image(c.Before) == "" {
		return false
	}
	_, tag, digest := parts(image(c.Before))
	return tag+digest == ""
}

// Reverse is what puts back the settings that c changes. With an error, which
// says why what ran before cannot be put back, it is what could be all the same.
func (c Change) Reverse() (s pipecat.Settings, plan []Setting, err error) {
	if err := c.goodBefore(); err != nil {
		return s, nil, err
	}
	if c.Artefact != (Artefact{}) && image(c.Before) == "" {
		err = errors.New("the platform does not tell which image ran before")
	}
	deploys := false
	for _, setting := range c.Plan {
		if !setting.Changes() || setting.Before == "" {
			continue
		}
		if e := c.restore(&s, setting); e != nil {
			err = cmp.Or(err, e)
			continue
		}
		deploys = deploys || !setting.scales()
		plan = append(plan, Setting{Name: setting.Name, Before: setting.After, After: setting.Before, From: "rollback"})
	}
	if err == nil && !deploys {
		err = errors.New("no setting changes that makes a deployment, and what was behind the image's tag before is not known")
	}
	return s, plan, err
}

// goodBefore says why there is nothing to go back to.
func (c Change) goodBefore() error {
	b := c.Before
	switch {
	case b == nil:
		return errors.New("the agent was new, so there is nothing to go back to")
	case !b.Ready, b.Available != nil && !*b.Available, b.ReconciledDeploymentID != b.Desired():
		return fmt.Errorf("the deployment before it, %s, is not known to have been ready", b.Desired())
	case b.Deployment != nil && b.Deployment.ID != "" && b.Deployment.ID != b.Desired():
		return fmt.Errorf("the platform does not tell what the deployment before it, %s, was", b.Desired())
	}
	return nil
}

// restore puts into s what a setting was, or says why that cannot be done.
func (c Change) restore(s *pipecat.Settings, setting Setting) error {
	was := setting.Before
	switch setting.Name {
	case "image":
		if c.OfBuild() {
			return errors.New("what ran before is of a build, and the platform does not tell which")
		}
		s.Image = was
	case "image-credentials", "secret-set":
		switch sets := c.Before.Deployment.Manifest.Spec.EnvFromSecretNames; {
		case was == none:
			return fmt.Errorf("the agent had no %s, and the API cannot take one away", setting.Name)
		case setting.Name == "image-credentials":
			s.ImagePullSecretSet = was
		case len(sets) != 1:
			return fmt.Errorf("the agent had several secret sets (%s), and the API takes one", was)
		default:
			s.SecretSet = was
		}
	case "min-agents":
		s.AutoScaling = cmp.Or(s.AutoScaling, &pipecat.AutoScaling{})
		s.AutoScaling.MinAgents = c.Before.AutoScaling.MinReplicas
	case "max-agents":
		s.AutoScaling = cmp.Or(s.AutoScaling, &pipecat.AutoScaling{})
		s.AutoScaling.MaxAgents = c.Before.AutoScaling.MaxReplicas
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
	return nil
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
			came = verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced,
				Message: fmt.Sprintf("the rollback, deployment %s, serves, but is not what ran before, for someone else deployed meanwhile: its %s", back.ID, other)}
			break
		}
		failure.Status = verdict.RolledBack
		came.Message = "what ran before is back, as deployment " + back.ID
		if names := c.Untold(); names != nil {
			came.Message += ", but for " + strings.Join(names, " and ") + ", of which the platform does not tell what it was"
		}
	case verdict.Cancelled:
		if back.ID != "" {
			came.Message = fmt.Sprintf("the job was stopped while it rolled back; the rollback, deployment %s, goes on without it", back.ID)
		}
		failure.Message = fmt.Sprintf("%s. It was to undo this: %s", came.Message, failure.Message)
		failure.Status, failure.Reason = came.Status, came.Reason
		return failure
	case verdict.Superseded:
		came.Message = "it is not rolled back: " + came.Message
	case verdict.Unchanged:
		came.Message = "the rollback failed too: the platform made no deployment of it"
	default:
		came.Message = "the rollback failed too: " + came.Message
	}
	failure.Rollback = &came
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
