package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// fault is what the network does to a request.
type fault struct {
	name          string
	reads, writes bool
	whole         bool // the API's own answer comes, unless it hangs up or the job does
	wrap          func(*rand.Rand, http.Handler) http.Handler
	err           error // there is no connection
}

func (f fault) String() string { return f.name }

func always(*http.Request) bool { return true }

// answers is a fault that answers in the API's stead.
func answers(status int, body string, header ...string) func(*rand.Rand, http.Handler) http.Handler {
	return func(_ *rand.Rand, h http.Handler) http.Handler {
		return simulator.Answer(h, always, status, headers(header), body)
	}
}

// taken is a fault that answers so although the API did its work.
func taken(status int, body string, header ...string) func(*rand.Rand, http.Handler) http.Handler {
	return func(_ *rand.Rand, h http.Handler) http.Handler {
		return simulator.Accepted(h, always, status, headers(header), body)
	}
}

func headers(pairs []string) http.Header {
	all := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all.Set(pairs[i], pairs[i+1])
	}
	return all
}

var faults = []fault{
	{name: "refused", reads: true, writes: true, err: syscall.ECONNREFUSED},
	{name: "no such host", reads: true, writes: true, err: &net.DNSError{Err: "no such host", Name: "api.pipecat.daily.co", IsNotFound: true}},
	{name: "TLS fails", reads: true, writes: true, err: errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority")},
	{name: "lost", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Lossy(h, always, false) }},
	{name: "half", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Lossy(h, always, true) }},
	{name: "late", writes: true, wrap: func(rng *rand.Rand, h http.Handler) http.Handler {
		return simulator.Late(h, always, time.Duration(rng.IntN(5000))*time.Millisecond)
	}},
	{name: "hang", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Hang(h, always) }},
	{name: "hang after it", writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Delay(h, always, time.Hour) }},
	{name: "delay", reads: true, writes: true, whole: true, wrap: func(rng *rand.Rand, h http.Handler) http.Handler {
		return simulator.Delay(h, always, time.Duration(rng.IntN(9900))*time.Millisecond)
	}},
	{name: "trickle", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Trickle(h, always, time.Second) }},
	{name: "garbled", reads: true, writes: true, whole: true, wrap: garbled},
	{name: "500", reads: true, writes: true, wrap: answers(500, `{"error":"boom"}`)},
	{name: "500 after it", writes: true, wrap: taken(500, `{"error":"boom"}`)},
	{name: "502 in HTML", reads: true, writes: true, wrap: answers(502, "<html>\n::set-output name=status::ready\n")},
	{name: "503", reads: true, writes: true, wrap: answers(503, "", "Retry-After", "20")},
	{name: "504 after it", writes: true, wrap: taken(504, "")},
	{name: "429", reads: true, writes: true, wrap: answers(429, "{}")},
	{name: "429 with seconds", reads: true, writes: true, wrap: answers(429, "{}", "Retry-After", "7")},
	{name: "429 with a date", reads: true, writes: true, wrap: func(rng *rand.Rand, h http.Handler) http.Handler {
		return answers(429, "{}", "Retry-After", time.Now().Add(time.Duration(rng.IntN(40)-10)*time.Second).UTC().Format(http.TimeFormat))(rng, h) // by a clock that is right
	}},
	{name: "408", reads: true, writes: true, wrap: answers(408, "{}")},
	{name: "409", writes: true, wrap: answers(409, `{"error":"it is not yet ready","code":"CONFLICT"}`)},
	{name: "200 in HTML", reads: true, writes: true, wrap: answers(200, "<html>login</html>")},
	{name: "200 of nothing", reads: true, writes: true, wrap: answers(200, "")},
	{name: "200 of no agent", reads: true, writes: true, wrap: answers(200, "{}")},
	{name: "200 of no agent after it", writes: true, wrap: taken(200, "{}")},
	{name: "null", reads: true, writes: true, wrap: answers(200, "null")},
	{name: "redirect elsewhere", reads: true, writes: true, wrap: answers(302, "", "Location", "https://evil.example/v1/agents/bot")},
	{name: "redirect in the clear", reads: true, writes: true, wrap: answers(307, "", "Location", "http://api.pipecat.daily.co/v1/agents/bot")},
	{name: "redirect in a loop", reads: true, writes: true, wrap: answers(308, "", "Location", "https://api.pipecat.daily.co/v1/agents/bot")},
	{name: "400", writes: true, wrap: answers(400, `{"error":"no\n::set-output name=a::b","code":"GENERIC_BAD_REQUEST"}`)},
	{name: "400 with what was sent", writes: true, wrap: echo},
	{name: "404", reads: true, writes: true, wrap: answers(404, `{"error":"Not found"}`)},
	{name: "403", reads: true, writes: true, wrap: answers(403, `{"error":"Forbidden"}`)},
	{name: "401 with the key", reads: true, writes: true, wrap: answers(401, `{"error":"what is Bearer `+searchKey+`?"}`)},
	{name: "404 in HTML", reads: true, writes: true, wrap: answers(404, "<html>not here</html>")},
	{name: "410", writes: true, wrap: answers(410, `{"error":"Gone"}`)},
	{name: "302 after it", writes: true, wrap: taken(302, "", "Location", "https://evil.example/v1/agents/bot")},
	{name: "409 after it", writes: true, wrap: taken(409, `{"error":"it was modified concurrently","code":"CONFLICT"}`)},
	{name: "410 after it", writes: true, wrap: taken(410, `{"error":"Gone"}`)},
	{name: "429 after it", writes: true, wrap: taken(429, "{}", "Retry-After", "3")},
	{name: "another agent", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.OtherName(h, always) }},
	{name: "no deployment", reads: true, writes: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.NoDeployment(h, always) }},
	{name: "endless", reads: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler { return simulator.Endless(h, always) }},
}

// rare are faults that would else end most runs early, or take long to play.
var rare = map[string]float64{"endless": 0.02, "400": 0.1, "400 with what was sent": 0.1, "404": 0.3, "403": 0.03, "410": 0.1, "401 with the key": 0.03,
	"redirect elsewhere": 0.3, "redirect in the clear": 0.3, "redirect in a loop": 0.3}

// telling are fields that say why an agent which says that it is ready does not
// serve.
var telling = []string{"ready", "available", "errors", "currentRevision", "deploymentID", "phase", "health", "reason", "reconciledDeploymentId"}

// garbled puts another thing in the place of one field of an answer, but never
// one that makes an agent serve.
func garbled(rng *rand.Rand, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		var tree map[string]any
		body := recorder.Body.Bytes()
		if json.Unmarshal(body, &tree) == nil {
			odd := pick[any](rng, nil, -7.5, "::set-output name=x::y", []any{nil, 7}, map[string]any{"x": []any{}}, hostileText(rng))
			for at := tree; ; {
				names := slices.Sorted(maps.Keys(at))
				name := names[rng.IntN(len(names))]
				if slices.Contains(telling, name) && (tree["ready"] == true || tree["activeDeploymentReady"] == true) {
					break // it may hide why it does not serve
				}
				if strings.HasSuffix(name, "DeploymentId") || name == "id" {
					odd = nil // with a text, no one can know which deployment is ours
				}
				inner, ok := at[name].(map[string]any)
				if !ok || len(inner) == 0 || rng.IntN(3) == 0 {
					at[name] = odd
					break
				}
				at = inner
			}
			body, _ = json.Marshal(tree)
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

// echo refuses a request with what it sent.
func echo(_ *rand.Rand, _ http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer, _ := json.Marshal(map[string]string{"error": "what is " + string(body)})
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(answer)
	})
}

// request is one that the program sent, and what became of it.
type request struct {
	method, path string
	fault        fault
	look         bool // at the agent
	began, ended time.Time
	took         time.Duration
	status       int
	dated        bool           // its answer says when it was made
	answered     bool           // its answer was read to the end
	seen         simulator.Seen // what it showed of the agent
	made         bool           // it made a deployment that is no rollback
	rollback     bool           // it is sent to undo what was sent before
	builds       bool           // it is sent to make a build, or to upload for one
	stores       bool           // it is sent to store secrets
	call         bool           // it is of a test call
	session      string         // that it started

	lists    bool                    // it asks for the sessions
	offset   int                     // from which on
	logOf    string                  // it asks for the log of this session
	sessions []simulator.SessionSeen // as either was shown them
}

// network is how the program of a run reaches the cloud.
type network searchRun

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	now := time.Now()
	q := &request{method: r.Method, path: r.URL.Path, began: now, look: r.Method == http.MethodGet && r.URL.Path == "/v1/agents/bot",
		call: isCall(r), stores: r.Method == http.MethodPut}
	q.builds = r.Method == http.MethodPost && !q.call && !strings.HasPrefix(r.URL.Path, "/v1/agents")
	n.mu.Lock()
	i := len(n.sent)
	n.sent = append(n.sent, q)
	n.inspect(i, q, r)
	n.mu.Unlock()
	rng := rand.New(rand.NewPCG(n.seed, uint64(i)+1))
	q.fault = n.faultFor(rng, q, now.Sub(n.began))

	if q.fault.err != nil {
		return nil, q.fault.err
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.serve(q, w, r) })
	if q.fault.wrap != nil {
		h = q.fault.wrap(rng, h)
	}
	resp, err := simulator.Transport(h).RoundTrip(r)
	q.ended = time.Now()
	q.took = q.ended.Sub(q.began)
	if err != nil {
		return nil, err
	}
	q.status, q.dated = resp.StatusCode, resp.Header.Get("Date") != ""
	resp.Body = &readBody{resp.Body, q}
	return resp, nil
}

// inspect finds what must not be sent.
func (n *network) inspect(i int, q *request, r *http.Request) {
	if bucket := r.URL.Host == "bucket.example"; r.URL.Scheme != "https" || r.URL.Host != "api.pipecat.daily.co" && !bucket {
		n.odd = append(n.odd, fmt.Sprintf("request %d goes to %s", i, r.URL))
	} else if bucket && strings.Contains(fmt.Sprint(r.Header), "sk_") {
		n.odd = append(n.odd, fmt.Sprintf("request %d shows the key to the bucket", i))
	}
	if public := strings.HasPrefix(r.URL.Path, "/v1/public/"); r.URL.Host == "api.pipecat.daily.co" && (public == strings.Contains(fmt.Sprint(r.Header), searchKey) || public != strings.Contains(fmt.Sprint(r.Header), searchPublicKey)) {
		n.odd = append(n.odd, fmt.Sprintf("request %d to %s is sent with the other key", i, r.URL.Path))
	}
	if q.builds || q.call {
		return
	}
	header := r.Header.Clone()
	header.Del("Authorization")
	if strings.Contains(fmt.Sprint(r.URL, header), searchKey) {
		n.odd = append(n.odd, fmt.Sprintf("request %d shows the key", i))
	}
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if n.bodies == nil {
			n.bodies = map[string]string{}
		}
		n.bodies[q.path] = cmp.Or(n.bodies[q.path], string(body)) // a creation that meets an agent becomes an update
		if q.stores && string(body) != n.bodies[q.path] {
			n.odd = append(n.odd, fmt.Sprintf("request %d stores something else than the first", i))
		}
		if q.rollback = !q.stores && string(body) != n.bodies[q.path]; q.rollback && !(n.sent[i-1].look && n.sent[i-1].answered) {
			n.odd = append(n.odd, fmt.Sprintf("request %d is a rollback, and no read of the agent came right before it", i))
		}
		if bytes.Contains(body, []byte(searchKey)) {
			n.odd = append(n.odd, fmt.Sprintf("request %d sends the key", i))
		}
	}
}

// faultFor is the fault that a request meets; the zero one for none.
func (n *network) faultFor(rng *rand.Rand, q *request, at time.Duration) fault {
	share := n.writeFaults
	if q.method == http.MethodGet {
		share = n.readFaults
	}
	meets := func(f fault) bool {
		return q.method == http.MethodGet && f.reads || q.method != http.MethodGet && f.writes
	}
	for _, o := range n.outages {
		if at >= o.from && at < o.to && meets(o.fault) {
			return o.fault
		}
	}
	if rng.Float64() >= share {
		return fault{whole: true}
	}
	for {
		f := faults[rng.IntN(len(faults))]
		if p, ok := rare[f.name]; meets(f) && (!ok || rng.Float64() < p) {
			return f
		}
	}
}

// serve lets the cloud do its work, and takes note of what came of it.
func (n *network) serve(q *request, w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	n.mu.Lock()
	before := n.cloud.Deployments("bot")
	n.sending = true
	n.cloud.ServeHTTP(recorder, r)
	n.sending = false
	if q.call && r.Method == http.MethodPost {
		var started struct{ SessionID string }
		_ = json.Unmarshal(recorder.Body.Bytes(), &started) // of a refusal, there is none
		q.session = started.SessionID
	}
	after, foreign := n.cloud.Deployments("bot"), n.cloud.Foreign("bot")
	for _, id := range after[len(before):] {
		switch {
		case slices.Contains(foreign, id):
			n.madeByOther(id)
			n.inside = append(n.inside, id)
		case q.rollback:
			n.rollbacks = append(n.rollbacks, id)
			n.checkRollback(q, before)
		default:
			n.ours, q.made = append(n.ours, id), true
		}
	}
	n.callersShown(q, r)
	if q.look && recorder.Code == http.StatusOK {
		q.seen = n.cloud.Seen("bot")
	}
	n.mu.Unlock()
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

// checkRollback holds that a rollback replaces this job's own deployment. It may
// replace another client's only if that is so new that no read before it could show it, or
// if nothing distinguishes it from this job's own.
func (n *network) checkRollback(q *request, before []string) {
	newest := before[len(before)-1]
	if slices.Contains(n.ours, newest) || (*searchRun)(n).passesForOurs(newest) {
		return
	}
	var looked time.Time
	for _, other := range n.sent {
		if other.isRead() && !other.ended.After(q.began) {
			looked = other.began
		}
	}
	if made, ok := n.theirs[newest]; !ok || made.Before(looked.Add(-n.lag())) {
		n.odd = append(n.odd, fmt.Sprintf("a rollback replaces deployment %s, which is not this job's", newest))
	}
}

// updates reports whether a request is to create or to update the agent.
func (q *request) updates() bool { return q.method == http.MethodPost && !q.builds && !q.call }

// isRead reports whether a request is a read of the agent that got through.
func (q *request) isRead() bool {
	return q.look && q.answered && q.fault.whole && q.status == http.StatusOK
}

// lag is how far a read may lag.
func (s *scenario) lag() time.Duration { return s.readLag + slices.Max(append(s.readLags, 0)) }

// deployOther is an update that someone else makes.
func (r *searchRun) deployOther(s pipecat.Settings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.cloud.Deployments("bot")
	api := pipecat.Client{Base: &url.URL{Scheme: "https", Host: "api", Path: "/v1"}, Key: r.key, Transport: simulator.Transport(r.cloud)}
	_, _ = api.UpdateAgent(context.Background(), "bot", pipecat.UpdateRequest{Settings: s})
	for _, id := range r.cloud.Deployments("bot")[len(before):] {
		(*network)(r).madeByOther(id)
	}
}

// madeByOther takes note of a deployment that someone else has made.
func (n *network) madeByOther(id string) {
	if n.theirs == nil {
		n.theirs = map[string]time.Time{}
	}
	n.theirs[id] = time.Now()
}

// readBody notes whether an answer was read to its end.
type readBody struct {
	io.ReadCloser
	q *request
}

func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.q.answered = b.q.answered || err == io.EOF
	return n, err
}

func (b *readBody) Close() error {
	b.q.ended = time.Now()
	b.q.took = b.q.ended.Sub(b.q.began)
	return b.ReadCloser.Close()
}
