package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/verdict"
)

// readSet adds the secret set that the request's secrets go into to a baseline, and
// finds why they cannot.
func (r Request) readSet(ctx context.Context, api API, b Baseline) (Baseline, error) {
	if r.Secrets == nil {
		return b, nil
	}
	name := r.Settings.SecretSet
	set, err := api.SecretSet(ctx, name)
	switch {
	case missing(err):
		return b, nil
	case err != nil && asError(err).Status == http.StatusBadRequest:
		return b, r.unreadableSet(ctx, api, err)
	case err != nil:
		return b, unreadable(ctx, err)
	case set.Source == pipecat.Referenced:
		return b, failed(verdict.Inputs, nil, "secret set %q is a referenced set: its secrets are kept in your own cluster, and are stored there; remove secrets, or name another secret-set", name)
	case b.Region != "" && set.Region != "" && set.Region != b.Region:
		return b, failed(verdict.Inputs, nil, "secret set %q is in region %s, and the agent in %s; name a set of the agent's region, or one that does not exist, and it is created there", name, set.Region, b.Region)
	}
	b.SecretSet = set
	return b, nil
}

// unreadableSet says why a set cannot be read: an image pull secret set is in the list
// alone.
func (r Request) unreadableSet(ctx context.Context, api API, err error) error {
	name := r.Settings.SecretSet
	sets, _ := api.SecretSets(ctx)
	for _, s := range sets {
		if s.Name == name && s.Type == pipecat.PullSecretSet {
			return failed(verdict.Inputs, nil, "%q is an image pull secret set, which secrets never overwrite; name another secret-set", name)
		}
	}
	return unreadable(ctx, err)
}

// secretChange is what the plan's secrets do to their set; nil without secrets.
func (p Plan) secretChange() *event.SecretChange {
	if p.Request.Secrets == nil {
		return nil
	}
	has := map[string]bool{}
	if p.Baseline.SecretSet != nil {
		for _, s := range p.Baseline.SecretSet.Secrets {
			has[s.FieldName] = true
		}
	}
	c := event.SecretChange{Set: p.Request.Settings.SecretSet, Create: p.Baseline.SecretSet == nil}
	for _, s := range p.Request.Secrets {
		if has[s.Key] {
			c.Overwritten = append(c.Overwritten, s.Key)
		} else {
			c.New = append(c.New, s.Key)
		}
	}
	return &c
}

// StoreSecrets puts the plan's secrets into their set, if it has any, in one request. It
// returns the plan, which is one of stored secrets then. The request stores the same
// however often it is sent, so that one whose response is lost is sent again without a
// read before it. Errors are a *verdict.Failure.
func StoreSecrets(ctx context.Context, api API, p Plan, deadline time.Time, emit event.Emitter) (Plan, error) {
	if p.Request.Secrets == nil {
		return p, nil
	}
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	s := &storing{Plan: p, set: p.Request.Settings.SecretSet, emit: emit}
	region, err := s.send(timed, api)
	switch {
	case err == nil: // they are stored, though the time may be up or the job stopped since
	case ctx.Err() != nil:
		err = verdict.NewCancelled("the job was stopped while the secrets were stored; %s, and the update was not sent", s.known())
	case timed.Err() != nil:
		err = &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Secrets,
			Message: fmt.Sprintf("the secrets were not stored before wait-timeout was up; %s, and the update was not sent: %v", s.known(), s.last())}
	}
	if err != nil {
		return p, err
	}
	p.Stored = true
	emit.Emit(event.SecretsStored{Set: s.set, Region: region})
	return p, nil
}

// storing is the request that stores a plan's secrets.
type storing struct {
	Plan
	set           string
	emit          event.Emitter
	err           *pipecat.Error // of the last request; nil while there is none
	sent          int            // requests
	responsesLost int            // those without a response that says anything
	// unclear says that a request may have been accepted, including the one under way.
	unclear bool
}

// send sends the request until the platform accepts or refuses it, and returns the
// set's region.
func (s *storing) send(ctx context.Context, api API) (string, error) {
	region := ""
	if s.Baseline.SecretSet == nil {
		region = s.Baseline.Region
	}
	pace := pacing.Exponential(time.Second, backoff.DefaultMultiplier, 10*time.Second)
	for {
		clear := !s.unclear
		s.unclear = true
		s.sent++
		got, err := api.PutSecrets(ctx, s.set, region, s.Request.Secrets)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		s.note(asError(err))
		s.unclear = !clear || classify(s.err) != responseRefusedByAPI
		if final := s.outcome(ctx); final != nil {
			return "", final
		}
		wait := max(pace.NextBackOff(), s.err.RetryAfter)
		report := func(left time.Duration) {
			s.emit.Emit(event.Retrying{Try: event.TrySecrets, Err: s.err, In: left})
		}
		if err := backOff(ctx, wait, report); err != nil {
			return "", err
		}
	}
}

// note takes note of a response. Its body is dropped: it may have a part of a value,
// which no one would know for one.
func (s *storing) note(e *pipecat.Error) {
	without := *e
	without.Body = ""
	s.err = &without
	if classify(e) == responseLost {
		s.responsesLost++
	}
}

// outcome returns an error when it is no use to send the request again.
func (s *storing) outcome(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	said := classify(s.err)
	switch {
	case time.Until(deadline) < s.err.RetryAfter:
		return failed(verdict.Secrets, s.err, "the secrets are not stored, because the platform asks to wait for %s, which is longer than wait-timeout allows; %s, and the update was not sent: %v", quantity.Limit(s.err.RetryAfter), s.known(), s.err)
	case said == responseBusy:
		return nil
	case s.err.Unauthorized():
		f := unauthorized(s.err)
		f.Message += fmt.Sprintf("; %s, and the update was not sent", s.known())
		return f
	case said != responseLost:
		return failed(verdict.Secrets, s.err, "the platform refuses the secrets for secret set %q: %s; %s, and the update was not sent", s.set, s.err.Detail(), s.known())
	case s.responsesLost == maxLost:
		return failed(verdict.Secrets, s.err, "the secrets got no usable response (requests sent: %d); %s, and the update was not sent: %v", s.sent, s.known(), s.err)
	}
	return nil
}

// known says what is known of the set after the last request, which was not accepted.
func (s *storing) known() string {
	switch {
	case s.unclear:
		return fmt.Sprintf("secret set %q may have them", s.set)
	case s.Baseline.SecretSet == nil:
		return fmt.Sprintf("secret set %q was not created", s.set)
	}
	return fmt.Sprintf("secret set %q was not changed", s.set)
}

func (s *storing) last() error {
	if s.err == nil {
		return errors.New("no answer came")
	}
	return s.err
}

// keepsSecrets adds to the failure of a plan's update that its secrets are stored, and
// stay.
func (p Plan) keepsSecrets(err error) error {
	var f *verdict.Failure
	if !p.Stored || !errors.As(err, &f) {
		return err
	}
	with := *f
	with.Message += fmt.Sprintf("; secret set %q has the new secrets, and keeps them", p.Request.Settings.SecretSet)
	return &with
}

// unreadableSince is the failure of a read once secrets are stored, so that it is no
// longer true that nothing was changed.
func unreadableSince(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return verdict.NewCancelled("the job was stopped before the update was sent")
	case asError(err).Unauthorized():
		return unauthorized(err)
	}
	return failed(verdict.API, err, "the update was not sent, because the agent could not be read: %v", err)
}

// overwritten lists the secrets whose values before no one can restore: the API does
// not give them.
func (p Plan) overwritten() []string {
	if c := p.secretChange(); c != nil {
		return c.Overwritten
	}
	return nil
}
