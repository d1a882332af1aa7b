package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// timedCaller is a real caller, and when it calls.
type timedCaller struct {
	at time.Duration
	simulator.Caller
}

const (
	noOffer  = "Timeout waiting for WebRTC connection: WebRTC connection not received within 120 seconds"
	anyRaise = "Exception running bot(): "
	shownOf  = 50 // sessions that are read at a time
	maxReads = 20 // of logs, after each list
)

// realCallers are those of a run: most meet the same fate, if any is bad.
func realCallers(rng *rand.Rand) (all []timedCaller) {
	chance := func(p float64) bool { return rng.Float64() < p }
	bad, old, badOld := pick(rng, 0, 0.3, 0.5, 0.7, 1), pick(rng, 0, 0, 0.3, 0.8), pick(rng, 0, 0.5, 1)
	fates := []simulator.Caller{
		{Status: "HTTP_ERROR"}, {Status: "500"}, {Status: "BOT_CONNECTION_TIMEOUT"},
		{Prints: []string{anyRaise + "KeyError: 'OPENAI_API_KEY'"}}, {Prints: []string{"Error joining room", anyRaise + hostileText(rng)}},
		{Status: "500", Prints: []string{noOffer}}, {Status: "HTTP_ERROR", Prints: []string{noOffer}},
	}
	fate, every := pick(rng, fates...), pick(rng, 2.0, 6, 20)
	for at := 0.0; at < 400 && len(all) < 90; at += every * (0.5 + rng.Float64()) {
		c := simulator.Caller{Status: pick(rng, "", "WS_CONNECTION_CLOSED", "200", "SOMETHING_NEW"), Prints: pick(rng, nil, nil, []string{"Failed to terminate Twilio call CA1: 404"})}
		takes := chance(old)
		if !takes && chance(bad) || takes && chance(badOld) {
			c = fate
			if chance(0.2) {
				c = pick(rng, fates...)
			}
		}
		c.Lasts = time.Duration(rng.Float64()*pick(rng, 0.5, 5, 60)*1e9) + time.Microsecond
		c.Old = takes
		c.LogLag = pick(rng, 0, 0, 0, time.Duration(rng.IntN(40))*time.Second)
		all = append(all, timedCaller{time.Duration(at*1e9) + time.Duration(rng.IntN(1e6)), c})
	}
	return all
}

// callersShown has a request for sessions, one of them, or its log keep what it was shown.
func (n *network) callersShown(q *request, r *http.Request) {
	switch path, _ := strings.CutPrefix(r.URL.Path, "/v1/agents/bot/"); {
	case r.Method != http.MethodGet:
	case path == "sessions":
		q.lists, q.sessions = true, n.cloud.Sessions("bot")
		q.offset, _ = strconv.Atoi(r.URL.Query().Get("offset"))
	case strings.HasPrefix(path, "sessions/"):
		q.sessions = n.cloud.Sessions("bot")
	case path == "logs":
		q.logOf, q.sessions = r.URL.Query().Get("sessionId"), n.cloud.Sessions("bot")
	}
}

// clear reports whether a request for sessions or a log has shown what it was to show.
func (q *request) clear() bool {
	ofAgents := q.fault.name == "no deployment" || q.fault.name == "another agent" // no other document has what these take
	return q.answered && (q.fault.whole || ofAgents) && q.status == http.StatusOK
}

// caller is what a job can know of a session that is over.
type caller struct {
	simulator.SessionSeen
	raised, unoffered bool // its log has shown so
	garbled           bool // or perhaps
	read              int  // requests for its log
}

func (c *caller) notStarted() bool { return c.Status == "BOT_CONNECTION_TIMEOUT" }

// fails reports whether the session certainly counts as failed, and whether it may.
func (c *caller) fails() (certain, may bool) {
	state := c.notStarted() || c.Status == "HTTP_ERROR" || c.Status == "500"
	certain = c.notStarted() || c.raised || state && !c.unoffered && !c.garbled
	return certain, certain || c.garbled || state && !c.unoffered
}

// brokenBake says what is wrong with what the job makes of its real callers, given what
// the simulator has shown it of them.
func (r *searchRun) brokenBake() (broken []string) {
	hold := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	blames := strings.Contains(r.outputs["failure-message"], "deployment failed") && r.outputs["failure-reason"] == string(verdict.Bake)
	target, status := r.outputs["deployment-id"], verdict.Status(r.outputs["status"])
	if status == verdict.RolledBack && len(r.ours) == 1 {
		target = r.ours[0]
	}
	if r.bake == 0 {
		hold(!blames, "it says %q, and was not to watch", r.outputs["failure-message"])
		return broken
	}
	var before map[string]bool // nil until a list is read
	over := map[string]*caller{}
	must, may, logs, looks := false, false, 0, 0
	judge := func() {
		certain, perhaps, void, unclear := 0, 0, 0, 0
		read, perhapsRead := 0, 0 // of those whose log was read
		for _, c := range over {
			if c.unoffered && !c.raised && !c.notStarted() {
				void++
				continue
			}
			if c.garbled {
				unclear++
			}
			sure, possible := c.fails()
			if sure {
				certain++
			}
			if possible {
				perhaps++
			}
			if c.read > 0 && !c.garbled {
				read++
				if possible {
					perhapsRead++
				}
			}
		}
		counted := len(over) - void
		must, may = certain >= 3 && 2*certain > counted, perhaps >= 3 && 2*perhaps > counted-unclear || perhapsRead >= 3 && 2*perhapsRead > read
	}
	for _, q := range r.sent {
		if q.lists {
			logs = 0
		}
		switch {
		case q.lists && q.fault.name == "garbled":
			return broken // nobody knows what it has shown
		case q.lists && q.clear():
			if q.offset == 0 {
				hold(!must, "it continues to watch, though most sessions have failed after %d looks", looks)
				looks++
			}
			listed := q.sessions[min(len(q.sessions), q.offset):min(len(q.sessions), q.offset+shownOf)]
			if before == nil {
				before = map[string]bool{}
				for _, s := range listed {
					before[s.ID] = true
				}
			} else if looks == 2 { // the test call's is over already
				for _, s := range listed {
					if before[s.ID] {
						before[s.ID] = s.Over
					}
				}
			}
			for _, s := range listed {
				if before[s.ID] || s.Deployment != target || !s.Over {
					continue
				}
				if over[s.ID] == nil {
					over[s.ID] = &caller{}
				}
				over[s.ID].SessionSeen = s
			}
			judge()
		case q.logOf != "":
			logs++
			i := slices.IndexFunc(q.sessions, func(s simulator.SessionSeen) bool { return s.ID == q.logOf })
			c := over[q.logOf]
			if c == nil || i < 0 {
				continue // of the test call
			}
			c.read++
			raised, unoffered := false, false
			for _, line := range q.sessions[i].Log {
				raised = raised || strings.Contains(line, anyRaise)
				unoffered = unoffered || strings.Contains(line, noOffer)
			}
			switch {
			case !q.clear():
			case q.fault.name == "garbled":
				c.garbled = c.garbled || raised || unoffered
			default:
				c.raised, c.unoffered = c.raised || raised, c.unoffered || unoffered
			}
			judge()
		}
	}
	hold(r.code != 0 || !must, "it is green, though most of %d sessions have failed", len(over))
	hold(!blames || may, "it says %q, of %d sessions", r.outputs["failure-message"], len(over))
	for _, c := range over {
		hold(c.read > 0 || c.notStarted() || logs >= maxReads || !r.stopped.IsZero() || r.readFaults > 0 || len(r.outages) > 0 || !blames && r.code != 0,
			"it has not read the log of session %s, which ended", c.ID)
	}
	return broken
}
