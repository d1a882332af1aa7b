package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/verdict"
)

// SecretSet waits until a secret set has what was stored in it and is provisioned, at
// most until the deadline. Nothing stored is nothing to wait for. Its error is a
// *verdict.Failure.
func SecretSet(ctx context.Context, api SecretSets, stored event.SecretsStored, deadline time.Time, emit event.Emitter) error {
	if stored.Set == "" {
		return nil
	}
	var (
		judge  = setJudge{stored: stored}
		set    *pipecat.SecretSet
		status = "not shown"
		since  = time.Now()
	)
	l := newLoop(deadline, emit)
	l.known = !stored.Created
	l.heartbeat = func() event.Heartbeat { return event.Heartbeat{Still: status, For: time.Since(since)} }
	err := l.until(ctx, func(ctx context.Context) (news, error) {
		s, err := api.SecretSet(ctx, stored.Set)
		if err != nil {
			return news{}, err
		}
		set = s
		now := news{near: true, done: judge.observe(s, time.Now())}
		if shown := cmp.Or(s.Status, "of no status"); shown != status {
			status, since = shown, time.Now()
			now.changed = true
			now.events = []event.Event{event.SecretsStatus{Set: stored.Set, Status: shown, Elapsed: since.Sub(l.start)}}
		}
		return now, nil
	})
	emit.Emit(event.WaitEnded{})
	has := fmt.Sprintf("secret set %q was changed, and the update was not sent", stored.Set)
	var f *verdict.Failure
	switch {
	case ctx.Err() != nil:
		return verdict.NewCancelled("the job was stopped: %s", has)
	case errors.Is(err, errDeadline) && l.isUnread():
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("%s: the API could not be read when wait-timeout was up: %v", has, cmp.Or(l.lastErr, errNoAnswer))}
	case errors.Is(err, errDeadline):
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Secrets,
			Message: fmt.Sprintf("secret set %q was not ready within wait-timeout, after %s: it is %s; it has the new secrets, and the update was not sent", stored.Set, quantity.Limit(time.Since(l.start).Round(time.Second)), status)}
	case errors.As(err, &f):
		with := *f
		with.Message += "; " + has
		return &with
	case err != nil:
		return err
	case set.IsFailed():
		failure := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Secrets, Message: fmt.Sprintf("the update was not sent, because secret set %q, which has the new secrets, could not be provisioned", stored.Set)}
		failure.Show(verdict.FromPlatform, set.ErrorMessage)
		return failure
	}
	return nil
}

const (
	// staleFor is for how long a read may show a set from before it was changed.
	staleFor = 15 * time.Second
	// failedFor is for how long a set that had failed before must show that it failed.
	failedFor = 5 * time.Second
	manyKeys  = 100 // of which a read may not show all
)

// setJudge decides when a secret set is done: ready with what was stored, or failed.
type setJudge struct {
	stored        event.SecretsStored
	first, failed time.Time // the first read, and since when reads show that it failed
}

func (j *setJudge) observe(s *pipecat.SecretSet, now time.Time) (done bool) {
	if j.first.IsZero() {
		j.first = now
	}
	if !s.IsFailed() {
		j.failed = time.Time{}
	} else if j.failed.IsZero() {
		j.failed = now
	}
	switch {
	case s.IsFailed():
		return !j.stored.FailedBefore || now.Sub(j.failed) >= failedFor
	case s.IsReady():
		return j.shows(s) || now.Sub(j.first) >= staleFor
	}
	return false
}

// shows reports whether a set has the names of all that was stored, as far as it shows
// names.
func (j *setJudge) shows(s *pipecat.SecretSet) bool {
	if len(s.Secrets) >= manyKeys {
		return true
	}
	return !slices.ContainsFunc(j.stored.Keys, func(key string) bool {
		return !slices.ContainsFunc(s.Secrets, func(has pipecat.SecretKey) bool { return has.FieldName == key })
	})
}
