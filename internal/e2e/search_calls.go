package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	searchPublicKey = "pk_search_0123456789abcdef"
	roomLasts       = 5 * time.Minute
)

// callScenario is what happens when the job calls the agent, and after it.
type callScenario struct {
	callTimeout, bake time.Duration
	bots              map[string]room // by the tag of their image
	busy              int             // calls that find the agent at capacity
	oldTakes          int             // calls that go to an instance of the deployment before
	callers           []timedCaller   // real ones
}

// room is how a bot behaves in a room that nobody enters.
type room struct {
	raises string
	leaves time.Duration // 0: it waits for its caller
	prints string
}

// call has the job place a test call, watch what it deployed, or deploy nothing. A call
// by Daily carries no sound, so that all of it is in virtual time.
func (s *scenario) call(rng *rand.Rand) {
	chance := func(p float64) bool { return rng.Float64() < p }
	if s.invalid || !chance(0.2) {
		return
	}
	s.bots = map[string]room{}
	for _, tag := range []string{"go", "v1", "theirs"} {
		s.bots[tag] = pick(rng, room{}, room{}, room{}, room{raises: "KeyError: 'OPENAI_API_KEY'"}, room{raises: hostileText(rng)},
			room{leaves: time.Duration(rng.IntN(8000)) * time.Millisecond}, room{prints: hostileText(rng)}, room{prints: "Exception running bot(): said the caller"})
	}
	s.busy, s.oldTakes = pick(rng, 0, 0, 1, 3, 9), pick(rng, 0, 0, 1, 5)
	delete(s.inputs, "wait-for-ready")
	if chance(0.8) {
		s.inputs["test-call"], s.inputs["public-api-key"] = "daily", searchPublicKey
		s.callTimeout = time.Minute
		if chance(0.3) {
			s.callTimeout = time.Duration(20+rng.IntN(200)) * time.Second
			s.inputs["test-call-timeout"] = s.callTimeout.String()
		}
	}
	if chance(0.3) {
		s.bake = time.Duration(30+rng.IntN(100)) * time.Second
		s.inputs["bake-time"] = s.bake.String()
	}
	if chance(0.3) {
		s.inputs["check-only"] = "true"
		s.waitTimeout = 10 * time.Minute
		for name := range s.inputs {
			if !strings.Contains("check-only test-call test-call-timeout public-api-key bake-time max-restarts", name) {
				delete(s.inputs, name)
			}
		}
	}
	if s.bake > 0 {
		s.callers = realCallers(rng)
	}
	s.calm = false
}

// rooms are where the bots of a run wait.
type rooms searchRun

func (*rooms) WebSocket(http.ResponseWriter, *http.Request, simulator.Call) {}

func (*rooms) Answer(context.Context, simulator.Call, string) (string, error) { return "", nil }

func (r *rooms) Join(ctx context.Context, c simulator.Call) {
	ctx, cancel := context.WithTimeout(ctx, roomLasts)
	defer cancel()
	bot := r.botOf(c.Image)
	if bot.prints != "" {
		c.Log("INFO", bot.prints)
	}
	if bot.leaves > 0 {
		wait, cancel := context.WithTimeout(ctx, bot.leaves)
		defer cancel()
		ctx = wait
	}
	if bot.raises == "" {
		<-ctx.Done()
	} else {
		c.Log("ERROR", "Exception running bot(): "+bot.raises)
	}
	c.End("HTTP_COMPLETED")
}

func (r *rooms) botOf(image string) room { return r.bots[image[strings.LastIndex(image, ":")+1:]] }

// isCall reports whether a request is of a test call.
func isCall(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v1/public/") || strings.Contains(r.URL.Path, "/sessions") || r.URL.Query().Has("sessionId")
}

// brokenCalls says what is wrong with the calls of the job: what they prove, what they
// cost, and what they leave behind.
func (r *searchRun) brokenCalls() (broken []string) {
	hold := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	started, ended, updated := 0, map[string]bool{}, false
	for i, q := range r.sent {
		switch {
		case q.method == http.MethodPost && q.call:
			hold(r.inputs["test-call"] != "", "request %d starts a session, though no test call is asked for", i)
			hold(r.stopped.IsZero() || !q.began.After(r.stopped), "request %d starts a session after the job was stopped", i)
			// A refusal for lack of capacity may come from a session that was started.
			if q.session != "" && q.fault.name != "429 after it" {
				started++
			}
		case q.method == http.MethodDelete:
			ended[q.path[strings.LastIndex(q.path, "/")+1:]] = true
		case q.method == http.MethodPost:
			updated = true
		}
	}
	hold(started <= 4, "%d sessions were started", started)
	for _, q := range r.sent {
		told := q.session != "" && q.answered && q.fault.whole && q.fault.name != "garbled"
		hold(!told || ended[q.session], "session %s was not ended", q.session)
		if told && !r.isOver(q.session) && r.stopped.IsZero() {
			hold(strings.Contains(r.log.String(), "Session "+q.session+" of the test call could not be ended"), "it does not say that session %s could not be ended", q.session)
		}
	}
	hold(r.inputs["check-only"] != "true" || !updated && len(r.ours) == 0, "a check deploys")

	status, id := verdict.Status(r.outputs["status"]), r.outputs["deployment-id"]
	answer, green := r.outputs["test-call"], r.code == 0
	bot := (*rooms)(r).botOf(r.cloud.Manifest("bot", id).Image)
	mended := status == verdict.RolledBack // its outputs are of what serves now
	switch answer {
	case string(verdict.Answered):
		hold(bot.raises == "", "it says that %s answered, which raises %.60q", id, bot.raises)
		hold(bot.leaves == 0, "it says that %s answered, which leaves after %s", id, bot.leaves)
	case string(verdict.NoAnswer):
		hold(mended || bot.raises != "", "it says that %s does not answer, which does not raise", id)
	}
	if green && r.inputs["test-call"] != "" && status != verdict.Planned {
		hold(answer == string(verdict.Answered), "%s, though the call's result is %q", status, answer)
	}
	reason := verdict.Reason(r.outputs["failure-reason"])
	hold(reason != verdict.ReasonNoAnswer || answer == string(verdict.NoAnswer), "no-answer, though the call's result is %q", answer)
	hold(reason != verdict.ReasonUnproven || len(r.rollbacks) == 0, "a call that proves nothing is rolled back")
	if status == verdict.Checked {
		serving, _ := r.served()
		hold(serving == id, "checked, with deployment %q, while %q serves", id, serving)
	}

	// Each key is sent on its own road, and shown on none.
	said := maskedKey.ReplaceAllString(r.log.String(), "") + r.summary + fmt.Sprint(r.outputs)
	hold(!strings.Contains(said, searchPublicKey), "it shows the Public key")
	return broken
}

// isOver reports whether the job has been shown that a session is over, after all that it
// has sent.
func (r *searchRun) isOver(session string) bool {
	return slices.ContainsFunc(r.sent, func(q *request) bool {
		if !strings.HasSuffix(q.path, "/sessions/"+session) || !q.answered {
			return false
		}
		if q.method == http.MethodDelete && q.fault.name == "200 of nothing" {
			return true // which is nothing but a success
		}
		if q.status != http.StatusOK || strings.HasPrefix(q.fault.name, "200") || q.fault.name == "null" {
			return false
		}
		return q.method == http.MethodDelete || slices.ContainsFunc(q.sessions, func(s simulator.SessionSeen) bool { return s.ID == session && s.Over })
	})
}

var maskedKey = regexp.MustCompile(`(?m)^::add-mask::.*$`)
