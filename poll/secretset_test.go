package poll

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// set is a secret set that goes through states, each for ten seconds, the last one for
// ever: a status with the names of its keys, or an HTTP status.
type set struct {
	began  time.Time
	states []string
}

func (s set) SecretSet(ctx context.Context, _ string) (*pipecat.SecretSet, error) {
	if ctx.Err() != nil {
		return nil, &pipecat.Error{Err: ctx.Err()}
	}
	i := min(int(time.Since(s.began)/(10*time.Second)), len(s.states)-1)
	switch s.states[i] {
	case "404":
		return nil, &pipecat.Error{Status: http.StatusNotFound, FromAPI: true}
	case "401":
		return nil, &pipecat.Error{Status: http.StatusUnauthorized, FromAPI: true}
	case "502":
		return nil, &pipecat.Error{Status: http.StatusBadGateway}
	}
	words := strings.Fields(s.states[i])
	is := &pipecat.SecretSet{Status: words[0], ErrorMessage: "quota exceeded"}
	for _, key := range words[1:] {
		is.Secrets = append(is.Secrets, pipecat.SecretKey{FieldName: key})
	}
	return is, nil
}

// TestJudgeSet holds what reads of a secret set decide, one after another.
func TestJudgeSet(t *testing.T) {
	const s = time.Second
	type read struct {
		at    time.Duration
		state string // a status with the names of its keys
		done  bool
	}
	many := strings.Repeat(" K", manyKeys)
	for _, tt := range []struct {
		name         string
		keys         []string
		failedBefore bool
		reads        []read
	}{
		{"ready with what was stored", []string{"A", "B"}, false, []read{{0, "ready C B A", true}}},
		{"ready, in other letters", []string{"A"}, false, []read{{0, "READY A", true}}},
		{"pending, and ready", []string{"A"}, false, []read{{0, "pending A", false}, {60 * s, "pending A", false}, {61 * s, "ready A", true}}},
		{"a status that is new", []string{"A"}, false, []read{{0, "syncing A", false}, {60 * s, "syncing A", false}}},
		{"no status", []string{"A"}, false, []read{{0, " A", false}, {60 * s, " A", false}}},

		{"a stale read, and one that is not", []string{"A"}, false, []read{{0, "ready B", false}, {s, "ready B A", true}}},
		{"one of the keys is not shown", []string{"A", "B"}, false, []read{{0, "ready A", false}, {s, "ready B", false}, {2 * s, "ready A B", true}}},
		{"the keys are never shown", []string{"A"}, false, []read{{0, "ready", false}, {staleFor - 1, "ready", false}, {staleFor, "ready", true}}},
		{"stale since the first read, whatever it shows", []string{"A"}, false, []read{{0, "pending", false}, {staleFor, "ready", true}}},
		{"the first read is late", []string{"A"}, false, []read{{60 * s, "ready", false}, {60*s + staleFor, "ready", true}}},
		{"almost as many keys as a read shows", []string{"A"}, false, []read{{0, "ready" + many[2:], false}}},
		{"more keys than a read shows", []string{"A"}, false, []read{{0, "ready" + many, true}}},

		{"failed", []string{"A"}, false, []read{{0, "pending A", false}, {s, "failed A", true}}},
		{"failed, and its keys are not shown", []string{"A"}, false, []read{{0, "Failed", true}}},
		{"failed before", []string{"A"}, true, []read{{0, "failed A", false}, {failedFor - 1, "failed A", false}, {failedFor, "failed A", true}}},
		{"failed before, and ready", []string{"A"}, true, []read{{0, "failed A", false}, {s, "ready A", true}}},
		{"failed before, pending, and failed", []string{"A"}, true, []read{{0, "failed A", false}, {4 * s, "pending A", false},
			{6 * s, "failed A", false}, {6*s + failedFor - 1, "failed A", false}, {6*s + failedFor, "failed A", true}}},
		{"failed before, and a stale read that is ready", []string{"A"}, true, []read{{0, "failed", false}, {4 * s, "ready", false},
			{6 * s, "failed", false}, {6*s + failedFor, "failed", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			stored := Stored{Set: "keys", Before: before(false, tt.failedBefore)}
			for _, key := range tt.keys {
				stored.Secrets = append(stored.Secrets, pipecat.SecretValue{Key: key})
			}
			var h setHistory
			for i, r := range tt.reads {
				status, keys, _ := strings.Cut(r.state, " ")
				set := &pipecat.SecretSet{Status: status}
				for _, key := range strings.Fields(keys) {
					set.Secrets = append(set.Secrets, pipecat.SecretKey{FieldName: key})
				}
				var done bool
				if done, h = judgeSet(set, stored, h, began.Add(r.at)); done != r.done {
					t.Errorf("read %d, of %q: done %t, want %t, with %+v", i, r.state, done, r.done, h)
				}
			}
		})
	}
}

// before is the set before something was stored in it; nil where that created it.
func before(created, failed bool) *pipecat.SecretSet {
	switch {
	case created:
		return nil
	case failed:
		return &pipecat.SecretSet{Status: pipecat.SecretFailed}
	}
	return &pipecat.SecretSet{Status: pipecat.SecretReady}
}

func TestSecretSet(t *testing.T) {
	for _, tt := range []struct {
		name            string
		states          []string
		created, failed bool // before
		late            bool // the deadline has passed
		cancel          time.Duration
		reason          verdict.Reason // "": it is ready
		says            string
		after, within   time.Duration
	}{
		{name: "ready at once", states: []string{"ready A B"}, within: time.Second},
		{name: "ready later", states: []string{"pending A", "pending A", "ready A"}, after: 20 * time.Second, within: 25 * time.Second},
		{name: "in other letters", states: []string{"Ready A"}, within: time.Second},
		{name: "a new status", states: []string{"syncing A", "ready A"}, after: 10 * time.Second, within: 15 * time.Second},
		{name: "created, and not shown yet", created: true, states: []string{"404", "404", "pending A", "ready A"}, after: 30 * time.Second, within: 35 * time.Second},
		{name: "gone", states: []string{"404"}, reason: verdict.API, says: `; secret set "keys" was changed, and the update was not sent`, within: 10 * time.Second},
		{name: "a read from before", states: []string{"ready B", "ready A B"}, after: 10 * time.Second, within: 15 * time.Second},
		{name: "one that does not show its keys", states: []string{"ready"}, after: 15 * time.Second, within: 20 * time.Second},
		{name: "one with many keys", states: []string{"ready" + strings.Repeat(" K", 100)}, within: time.Second},
		{name: "failed", states: []string{"pending A", "failed A"}, reason: verdict.Secrets, says: `the update was not sent, because secret set "keys", which has the new secrets, could not be provisioned`, after: 10 * time.Second, within: 15 * time.Second},
		{name: "failed at once", states: []string{"Failed A"}, reason: verdict.Secrets, says: "could not be provisioned", within: time.Second},
		{name: "failed before, and ready now", failed: true, states: []string{"ready A"}, within: time.Second},
		{name: "failed before, and again", failed: true, states: []string{"failed A"}, reason: verdict.Secrets, says: "could not be provisioned", after: 5 * time.Second, within: 8 * time.Second},
		{name: "failed before, pending, and failed", failed: true, states: []string{"pending A", "failed A"}, reason: verdict.Secrets, says: "could not be provisioned", after: 15 * time.Second, within: 18 * time.Second},
		{name: "away for a while", states: []string{"502", "502", "ready A"}, after: 20 * time.Second, within: 25 * time.Second},
		{name: "away for good", states: []string{"pending A", "502"}, reason: verdict.API, says: `secret set "keys" was changed, and the update was not sent: the API could not be read`, after: 100 * time.Second},
		{name: "the key is no longer accepted", states: []string{"401"}, reason: verdict.Auth, says: "and the update was not sent", within: time.Second},
		{name: "too slow", states: []string{"pending A"}, reason: verdict.Secrets, says: "was not ready within wait-timeout, after 1m 40s: it is pending; it has the new secrets, and the update was not sent", after: 100 * time.Second},
		{name: "the time is up before it begins", late: true, states: []string{"pending A"}, reason: verdict.Secrets, says: "was not ready within wait-timeout, after 0s: it is not shown; it has the new secrets, and the update was not sent", within: time.Second},
		{name: "stopped", states: []string{"pending A"}, cancel: 30 * time.Second, reason: verdict.ReasonCancelled, says: `the job was stopped: secret set "keys" was changed, and the update was not sent`, within: 31 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				began, shown := time.Now(), ""
				stored := Stored{Set: "keys", Secrets: []pipecat.SecretValue{{Key: "A"}}, Before: before(tt.created, tt.failed)}
				deadline := began.Add(100 * time.Second)
				if tt.late {
					deadline = began
				}
				err := SecretSet(ctx, set{began, tt.states}, stored, deadline, handle(func(e event.Event) {
					if s, ok := e.(event.SecretsStatus); ok {
						shown = s.Status
					}
				}))
				var f *verdict.Failure
				if errors.As(err, &f); err == nil && tt.reason != "" || err != nil && (f == nil || f.Reason != tt.reason || !strings.Contains(f.Message, tt.says)) {
					t.Errorf("%v, want %q that says %q", err, tt.reason, tt.says)
				}
				if f != nil && f.Status == verdict.Failed && f.Reason == verdict.Secrets && f.Output() != "quota exceeded" {
					t.Errorf("it shows %q", f.Output())
				}
				if took := time.Since(began); took < tt.after || tt.within > 0 && took > tt.within {
					t.Errorf("after %s, want %s to %s", took, tt.after, tt.within)
				}
				if err == nil && !strings.EqualFold(shown, "ready") {
					t.Errorf("the last status shown is %q", shown)
				}
			})
		})
	}
}
