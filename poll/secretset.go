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

// Stored is what was stored in a secret set.
type Stored struct {
	Set     string
	Before  *pipecat.SecretSet // as it was; nil where it was not there
	Secrets []pipecat.SecretValue
}

// SecretSet waits until a secret set has what was stored in it and is provisioned, at
// most until the deadline. Its error is a *verdict.Failure.
func SecretSet(ctx context.Context, api SecretSets, stored Stored, deadline time.Time, emit event.Emitter) error {
	var (
		history setHistory
		set     *pipecat.SecretSet
		status  = "not shown"
		since   = time.Now()
	)
	l := newLoop(deadline, emit)
	l.known = stored.Before != nil
	l.heartbeat = func() event.Heartbeat { return event.Heartbeat{Still: status, For: time.Since(since)} }
	err := l.until(ctx, func(ctx context.Context) (news, error) {
		s, err := api.SecretSet(ctx, stored.Set)
		if err != nil {
			return news{}, err
		}
		set = s
		now := news{near: true}
		now.done, history = judgeSet(s, stored, history, time.Now())
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
	case errors.Is(err, errDeadline) && l.isUnread() && l.start.Before(deadline): // else there was no time for a read
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

// setHistory is what judgeSet must know of earlier reads. The zero setHistory has none.
type setHistory struct {
	readSince   time.Time // the first read
	failedSince time.Time // reads show that it failed since
}

// judgeSet decides what a read of a secret set, made at the given time, says of what was
// stored in it: done when the set is ready with that, or failed, else it progresses. A
// status of an unknown value never decides anything.
func judgeSet(s *pipecat.SecretSet, stored Stored, h setHistory, at time.Time) (done bool, next setHistory) {
	read := since(&h.readSince, at)
	if !s.IsFailed() {
		h.failedSince = time.Time{}
	}
	switch {
	case s.IsFailed():
		failed := since(&h.failedSince, at)
		return !(stored.Before != nil && stored.Before.IsFailed()) || failed >= failedFor, h
	case s.IsReady():
		return showsKeys(s, stored.Secrets) || read >= staleFor, h
	}
	return false, h
}

// showsKeys reports whether a set has the names of all that was stored, as far as it
// shows names.
func showsKeys(s *pipecat.SecretSet, secrets []pipecat.SecretValue) bool {
	if len(s.Secrets) >= manyKeys {
		return true
	}
	return !slices.ContainsFunc(secrets, func(v pipecat.SecretValue) bool {
		return !slices.ContainsFunc(s.Secrets, func(has pipecat.SecretKey) bool { return has.FieldName == v.Key })
	})
}
