package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The deployments and images that the cases of Truth are about: d1 of v1 is there
// before, and the job asks for v2.
const (
	d0 = "d0000000-0000-4000-8000-000000000000" // before d1
	d1 = "d1111111-0000-4000-8000-000000000000"
	d2 = "d2222222-0000-4000-8000-000000000000"
	d3 = "d3333333-0000-4000-8000-000000000000"
	d4 = "d4444444-0000-4000-8000-000000000000"
	d5 = "d5555555-0000-4000-8000-000000000000"
	v1 = "ghcr.io/acme/bot:v1"
	v2 = "ghcr.io/acme/bot:v2"
	v3 = "ghcr.io/acme/bot:v3"
	v9 = "ghcr.io/acme/bot:v9"
)

// created is when each deployment was created. Virtual time begins with the year 2000.
var created = map[string]string{
	d0: "1999-12-30T00:00:00Z", d1: "1999-12-31T00:00:00Z",
	d2: "2000-01-01T00:00:00Z", d3: "2000-01-01T00:00:01Z", d4: "2000-01-01T00:00:02Z", d5: "2000-01-01T00:00:03Z",
}

// document is what the platform says of the agent.
type document map[string]any

// doc is the agent once the operator has processed a deployment that does not serve.
func doc(id, image string) document {
	return document{
		"name": "demo-agent", "region": "us-west", "agentProfile": "agent-1x",
		"createdAt": created[d1], "updatedAt": created[id],
		"ready": false, "activeDeploymentReady": false, "available": true,
		"desiredDeploymentId": id, "activeDeploymentId": id, "reconciledDeploymentId": id,
		"autoScaling": document{"minReplicas": 1, "maxReplicas": 10},
		"deployment": document{"id": id, "createdAt": created[id], "updatedAt": created[id], "manifest": document{"spec": document{
			"image": image, "envFromSecretNames": []string{"old-set"}, "autoScaling": document{"minReplicas": 1, "maxReplicas": 10},
		}}},
		"currentRevision":  document{"deploymentID": id, "phase": "Validating", "readyReplicas": 0},
		"previousRevision": nil,
	}
}

// pending is the agent until the operator has processed d2: all else is of d1.
func pending(image string) document {
	d := doc(d1, image).ready()
	dep := d["deployment"].(document)
	dep["id"], dep["createdAt"], dep["updatedAt"] = d2, created[d2], created[d2]
	return d.with("desiredDeploymentId", d2, "activeDeploymentId", d2)
}

func (d document) ready() document {
	return d.with("ready", true, "activeDeploymentReady", true, "currentRevision.phase", "Active", "currentRevision.readyReplicas", 1,
		"currentRevision.health", document{"ready": true, "state": "running", "restartCount": 0, "replicasStarted": 1})
}

// waits is a document whose replica waits for the given reason, restarted so often.
func (d document) waits(reason string, restarts int) document {
	return d.with("currentRevision.readyReplicas", 0, "currentRevision.health",
		document{"ready": false, "state": "waiting", "reason": reason, "restartCount": restarts, "replicasStarted": 1})
}

func (d document) crashes() document { return d.waits("CrashLoopBackOff", 9) }

func (d document) secretSet(name string) document {
	return d.with("deployment.manifest.spec.envFromSecretNames", []string{name})
}

func (d document) spec(name string, value any) document {
	return d.with("deployment.manifest.spec."+name, value)
}

func (d document) errors(codes ...string) document {
	list := []any{}
	for _, code := range codes {
		list = append(list, document{"code": code, "message": "the words of " + code})
	}
	return d.with("errors", list)
}

// absent as a value removes a field.
var absent = new(int)

// with is a copy of the document with other fields, each named by its path.
func (d document) with(fields ...any) document {
	next := d.clone()
	for i := 0; i < len(fields); i += 2 {
		at, path := next, strings.Split(fields[i].(string), ".")
		for _, name := range path[:len(path)-1] {
			at = at[name].(document)
		}
		if at[path[len(path)-1]] = fields[i+1]; fields[i+1] == any(absent) {
			delete(at, path[len(path)-1])
		}
	}
	return next
}

func (d document) clone() document {
	next := maps.Clone(d)
	for name, value := range next {
		if inner, ok := value.(document); ok {
			next[name] = inner.clone()
		}
	}
	return next
}

// text is the document as it is sent.
func (d document) text() string {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// undated is the document without any time.
func (d document) undated() document {
	d = d.with("createdAt", absent, "updatedAt", absent)
	if _, ok := d["deployment"].(document); ok {
		d = d.with("deployment.createdAt", absent, "deployment.updatedAt", absent)
	}
	return d
}

// answer is one response of the platform.
type answer struct {
	status int // 0: 200
	body   any // a text as it is; anything else as JSON
	header http.Header
	breaks bool // there is none: the connection is closed
}

func says(status int, body any) answer { return answer{status: status, body: body} }

// refuses is the API's own answer of a failure.
func refuses(status int, words string) answer {
	return says(status, document{"error": words, "code": fmt.Sprint(status)})
}

var (
	closed  = answer{breaks: true}
	unknown = refuses(404, "Agent not found")
)

func answerOf(a any) answer {
	if a, ok := a.(answer); ok {
		return a
	}
	return answer{body: a}
}

func (a answer) write(w http.ResponseWriter, undated bool) {
	if a.breaks {
		panic(http.ErrAbortHandler)
	}
	body := a.body
	if d, ok := body.(document); ok && undated {
		body = d.undated()
	}
	data, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		data = string(encoded)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(max(a.status, http.StatusOK))
	_, _ = w.Write([]byte(data))
}

// timeline is what reads get so long after a write, and as the n-th since it, from 0.
type timeline func(since time.Duration, n int) any

// over is a timeline of answers, each from a second on; the first is from 0.
func over(first any, then ...any) timeline {
	return func(since time.Duration, _ int) any {
		now := first
		for i := 0; i < len(then); i += 2 {
			if since >= time.Duration(then[i].(int))*time.Second {
				now = then[i+1]
			}
		}
		return now
	}
}

// inTurn is a timeline of one answer for each read; the last stays.
func inTurn(answers ...any) timeline {
	return func(_ time.Duration, n int) any { return answers[min(n, len(answers)-1)] }
}

func isTimeline(a any) bool { _, ok := a.(timeline); return ok }

// again is a timeline that begins again after its last answer.
func again(answers ...any) timeline {
	return func(_ time.Duration, n int) any { return answers[n%len(answers)] }
}

// write is what becomes of one write to the agent, or one creation.
type write struct {
	answer any
	reads  timeline // from then on; nil: as before
}

// platform is a Pipecat Cloud that plays a script.
type platform struct {
	before  any            // what reads get until the first write; nil: d1 of v1, ready
	script  []write        // one for each write; the last stays
	others  map[string]any // other requests, such as "GET /v1/secrets": an answer for each, or answers in turn
	undated bool

	mu     sync.Mutex
	reads  timeline
	since  time.Time
	n      int            // reads since then
	played int            // writes
	asked  map[string]int // others whose answers are in turn
	sent   []sent
}

// sent is a request that came.
type sent struct {
	at   time.Time
	line string // its method and path
	body string
	got  any
}

func (s sent) isRead() bool  { return s.line == "GET /v1/agents/demo-agent" }
func (s sent) isWrite() bool { return strings.HasPrefix(s.line, "POST /v1/agents") }

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answerOf(p.answer(sent{at: time.Now(), line: r.Method + " " + r.URL.Path, body: string(body)})).write(w, p.undated)
}

func (p *platform) answer(r sent) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.sent = append(p.sent, r) }()
	if p.reads == nil {
		if p.before == nil {
			p.before = doc(d1, v1).ready()
		}
		p.reads, _ = p.before.(timeline)
		if p.reads == nil {
			p.reads = inTurn(p.before)
		}
	}
	switch found, ok := p.others[r.line]; {
	case ok:
		if r.got = found; isTimeline(found) {
			if p.asked == nil {
				p.asked = map[string]int{}
			}
			r.got = found.(timeline)(0, p.asked[r.line])
			p.asked[r.line]++
		}
	case r.isRead():
		r.got = p.reads(time.Since(p.since), p.n)
		p.n++
	case r.isWrite():
		i := min(p.played, len(p.script)-1)
		if w := p.script[i]; p.played < len(p.script) && w.reads != nil {
			p.reads, p.since, p.n = w.reads, time.Now(), 0
		}
		p.played++
		r.got = p.script[i].answer
	case strings.HasSuffix(r.line, "/logs"):
		r.got = document{"logs": []any{}, "total": 0}
	default:
		r.got = refuses(404, "Not found")
	}
	return r.got
}

// requests lists what came, one line each.
func (p *platform) requests() string {
	var b strings.Builder
	for _, s := range p.sent {
		fmt.Fprintf(&b, "%s %s %s\n", s.at.Format("04:05.000"), s.line, s.body)
	}
	return b.String()
}

// lines are the requests that a test is about.
func (p *platform) lines(which func(sent) bool) (lines []string) {
	for _, s := range p.sent {
		if which(s) {
			lines = append(lines, s.line)
		}
	}
	return slices.Clip(lines)
}

// racing is a platform on which jobs run at once.
type racing struct {
	mu     sync.Mutex
	wanted document
	writes int
}

func (p *racing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Image, SecretSet string }
	if r.Method == http.MethodPost {
		_ = json.NewDecoder(r.Body).Decode(&asked)
		p.mu.Lock()
		p.writes++
		spec := p.wanted["deployment"].(document)["manifest"].(document)["spec"].(document)
		next := doc([]string{d2, d3, d4, d5}[min(p.writes, 4)-1], cmp.Or(asked.Image, spec["image"].(string))).ready()
		if next = next.spec("envFromSecretNames", spec["envFromSecretNames"]); asked.SecretSet != "" {
			next = next.secretSet(asked.SecretSet)
		}
		p.wanted = next
		p.mu.Unlock()
		time.Sleep(300 * time.Millisecond)
	}
	p.mu.Lock()
	now := p.wanted
	p.mu.Unlock()
	answerOf(now).write(w, false)
}
