package pipecat_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

const key = "sk_very_secret"

// client is one of a handler, without a network.
func client(h http.HandlerFunc) *pipecat.Client {
	return &pipecat.Client{
		Base:      &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1"},
		Key:       key,
		UserAgent: "test/1",
		Transport: simulator.Transport(h),
	}
}

// answers makes a handler that gives the answers in turn, the last for ever,
// and counts the requests.
func answers(n *int, all ...func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(*n, len(all)-1)
		*n++
		all[i](w)
	}
}

func answer(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestRequests(t *testing.T) {
	filter, one, ten := "pro", 1, 10
	all := pipecat.Settings{
		Image: "a/b:c", NodeType: "arm", ImagePullSecretSet: "pull", SecretSet: "keys",
		AutoScaling: &pipecat.AutoScaling{MinAgents: &one, MaxAgents: &ten}, KrispViva: &pipecat.KrispViva{AudioFilter: &filter},
		AgentProfile: "agent-2x", MaxSessionDuration: 3600, WebsocketAuth: "token",
	}
	zero := 0
	for _, tt := range []struct {
		name string
		call func(context.Context, *pipecat.Client) error
		want string
	}{
		{"agent", func(ctx context.Context, c *pipecat.Client) error { _, err := c.Agent(ctx, "my-bot"); return err },
			"GET /v1/agents/my-bot"},
		{"a name that would lead elsewhere", func(ctx context.Context, c *pipecat.Client) error { _, err := c.SecretSet(ctx, "a/b?c"); return err },
			"GET /v1/secrets/a%2Fb%3Fc"},
		{"build", func(ctx context.Context, c *pipecat.Client) error { _, err := c.Build(ctx, "id"); return err },
			"GET /v1/builds/id"},
		{"logs", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.Logs(ctx, "my-bot", "d&e", 50)
			return err
		}, "GET /v1/agents/my-bot/logs?deploymentId=d%26e&limit=50&order=desc"},
		{"properties", func(ctx context.Context, c *pipecat.Client) error { _, err := c.Properties(ctx); return err },
			"GET /v1/properties"},
		{"update nothing", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.UpdateAgent(ctx, "my-bot", pipecat.UpdateRequest{})
			return err
		},
			`POST /v1/agents/my-bot {}`},
		{"update all", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.UpdateAgent(ctx, "my-bot", pipecat.UpdateRequest{Settings: all, ForceRedeploy: true})
			return err
		}, `POST /v1/agents/my-bot {"image":"a/b:c","nodeType":"arm","imagePullSecretSet":"pull","secretSet":"keys","autoScaling":{"minAgents":1,"maxAgents":10},` +
			`"krispViva":{"audioFilter":"pro"},"agentProfile":"agent-2x","maxSessionDuration":3600,"websocketAuth":"token","forceRedeploy":true}`},
		{"null is not nothing, nor is zero", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.UpdateAgent(ctx, "my-bot", pipecat.UpdateRequest{Settings: pipecat.Settings{KrispViva: &pipecat.KrispViva{}, AutoScaling: &pipecat.AutoScaling{MinAgents: &zero}}})
			return err
		}, `POST /v1/agents/my-bot {"autoScaling":{"minAgents":0},"krispViva":{"audioFilter":null}}`},
		{"create", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.CreateAgent(ctx, pipecat.CreateRequest{ServiceName: "my-bot", Region: "us-east", Settings: pipecat.Settings{BuildID: "id"}})
			return err
		}, `POST /v1/agents {"serviceName":"my-bot","region":"us-east","buildId":"id"}`},
		{"secrets", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.PutSecrets(ctx, "keys", "", []pipecat.SecretValue{{Key: "A", Value: "1"}, {Key: "B", Value: "x\n<y>"}})
			return err
		}, `PUT /v1/secrets/keys {"secrets":[{"secretKey":"A","secretValue":"1"},{"secretKey":"B","secretValue":"x\n\u003cy\u003e"}]}`},
		{"secrets of a new set", func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.PutSecrets(ctx, "keys", "us-east", []pipecat.SecretValue{{Key: "A", Value: "1"}})
			return err
		}, `PUT /v1/secrets/keys {"secrets":[{"secretKey":"A","secretValue":"1"}],"region":"us-east"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			c := client(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
				if r.Header.Get("Authorization") != "Bearer "+key || r.Header.Get("User-Agent") != "test/1" {
					t.Errorf("headers %v", r.Header)
				}
				io.WriteString(w, `{"build":{},"properties":{},"desiredDeploymentId":"d","status":"OK"}`)
			})
			if err := tt.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestAnswer reads a document with every field that there is.
func TestAnswer(t *testing.T) {
	const doc = `{"name":"bot","region":"us-west","ready":true,"available":true,"createdAt":"2025-04-19T01:20:27.564Z","updatedAt":"2025-04-19T01:25:47.229Z",
"desiredDeploymentId":"d","activeDeploymentId":"d","reconciledDeploymentId":"d","activeDeploymentReady":true,"autoScaling":{"minReplicas":1,"maxReplicas":10},
"activeSessionCount":3,"agentProfile":"agent-1x","resources":{"cpu":"500m","memory":"1Gi"},"krispViva":{"audioFilter":"tel"},"websocketAuth":"token","warning":"careful",
"errors":[{"code":"PCC-1","message":"m"},"bare"],"conditions":[{"type":"Degraded","status":"True","reason":"r","message":"m"}],
"deployment":{"id":"d","buildId":"b-4bb223c4","serviceId":"s","createdAt":"2025-04-19T01:25:47.225Z","updatedAt":"2025-04-19T01:25:47.225Z","manifest":{"apiVersion":"v","kind":"PCService","metadata":{"name":"bot","namespace":"ns"},
"spec":{"arch":"arm64","dailyNodeType":"arm","image":"i","autoScaling":{"minReplicas":1,"maxReplicas":10},"imagePullSecretName":"p","envFromSecretNames":["e"],"resources":{"cpu":"500m","memory":"1Gi"},"krispViva":{"audioFilters":true},"maxSessionDurationSeconds":3600}}},
"currentRevision":{"deploymentID":"d","phase":"Active","readyReplicas":1,"phaseStartedAt":"2025-04-19T01:26:00.000Z","hasInfrastructureIssue":true,
"health":{"ready":true,"state":"running","restartCount":1,"replicasStarted":2,"reason":"r","lastExitCode":137,"lastTerminationReason":"OOMKilled","message":"m","headline":"Out of memory"}},
"previousRevision":{"deploymentID":"c","phase":"Draining","readyReplicas":1,"phaseStartedAt":"2025-04-19T01:26:00.000Z","hasInfrastructureIssue":true,
"health":{"ready":true,"state":"running","restartCount":1,"replicasStarted":2,"reason":"r","lastExitCode":1,"lastTerminationReason":"x","message":"m","headline":"h"}}}`
	var n int
	a, err := client(answers(&n, answer(200, doc))).Agent(t.Context(), "bot")
	if err != nil {
		t.Fatal(err)
	}
	unread(t, "agent", reflect.ValueOf(*a))
	if a.Errors[1].Message != "bare" {
		t.Errorf("errors %+v", a.Errors)
	}

	const build = `{"build":{"id":"i","organizationId":"o","status":"success","region":"r","contextHash":"h","dockerfilePath":"D","imageUri":"u","logsUrl":"l","errorMessage":"e",
"contextSizeBytes":1,"imageSizeBytes":2,"buildDurationSeconds":3,"startedAt":"2026-02-20T12:00:00.000Z","completedAt":"2026-02-20T12:00:00.000Z","createdAt":"2026-02-20T12:00:00.000Z","updatedAt":"2026-02-20T12:00:00.000Z"}}`
	b, err := client(answers(&n, answer(200, build))).Build(t.Context(), "i")
	if err != nil {
		t.Fatal(err)
	}
	unread(t, "build", reflect.ValueOf(*b))

	s, err := client(answers(&n, answer(200, `{"name":"s","type":"secret","region":"r","status":"failed","errorMessage":"e","secrets":[{"fieldName":"KEY"}],"source":"referenced"}`))).SecretSet(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	unread(t, "secret set", reflect.ValueOf(*s))
	sets, err := client(answers(&n, answer(200, `{"sets":[{"name":"pull","status":"failed","errorMessage":"e"},7]}`))).SecretSets(t.Context())
	if err != nil || len(sets) != 1 || sets[0].Name != "pull" || sets[0].ErrorMessage != "e" {
		t.Errorf("secret sets %+v, %v", sets, err)
	}
	region, err := client(answers(&n, answer(202, `{"status":"OK","region":"us-east"}`))).PutSecrets(t.Context(), "s", "", nil)
	if err != nil || region != "us-east" {
		t.Errorf("secrets in %q, %v", region, err)
	}
	for _, body := range []string{`{}`, `{"status":"failed","error":"no"}`, `{"status":null}`} {
		if _, err := client(answers(&n, answer(200, body))).PutSecrets(t.Context(), "s", "", nil); err == nil || !strings.Contains(err.Error(), "it does not say that the values are stored") {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := client(answers(&n, answer(202, `{"status":"ok"}`))).PutSecrets(t.Context(), "s", "", nil); err != nil {
		t.Errorf("secrets that are stored, in small letters: %v", err)
	}
	p, err := client(answers(&n, answer(200, `{"properties":{"defaultRegion":"eu-central"}}`))).Properties(t.Context())
	if err != nil || p.DefaultRegion != "eu-central" {
		t.Errorf("properties %+v, %v", p, err)
	}
}

// TestNoEvidence holds that a document of another agent, or of no deployment, is
// an error that may pass, of a read and of an update.
func TestNoEvidence(t *testing.T) {
	for _, tt := range []struct{ name, doc, err string }{
		{"the agent's own", `{"name":"bot","desiredDeploymentId":"d"}`, ""},
		{"without a name", `{"desiredDeploymentId":"d"}`, ""},
		{"by the deprecated id", `{"name":"bot","activeDeploymentId":"d"}`, ""},
		{"with an odd field beside it", `{"name":"bot","desiredDeploymentId":"d","region":7}`, ""},
		{"another agent's", `{"name":"other","desiredDeploymentId":"d"}`, `it is of the agent "other"`},
		{"without a deployment", `{"name":"bot","ready":true,"reconciledDeploymentId":"d"}`, "it names no deployment"},
		{"of nulls", `{"name":"bot","desiredDeploymentId":null,"activeDeploymentId":null}`, "it names no deployment"},
	} {
		for what, call := range map[string]func(*pipecat.Client) error{
			"a read": func(c *pipecat.Client) error { _, err := c.Agent(t.Context(), "bot"); return err },
			"an update": func(c *pipecat.Client) error {
				_, err := c.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{})
				return err
			},
			"a creation": func(c *pipecat.Client) error {
				_, err := c.CreateAgent(t.Context(), pipecat.CreateRequest{ServiceName: "bot"})
				return err
			},
		} {
			var n int
			err := call(client(answers(&n, answer(200, tt.doc))))
			var e *pipecat.Error
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("%s, %s: %v", tt.name, what, err)
			case tt.err != "" && (!errors.As(err, &e) || !e.Temporary() || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("%s, %s: got %v, want %q", tt.name, what, err, tt.err)
			}
		}
	}
}

// TestMissing holds that only the API itself can say that something is missing.
func TestMissing(t *testing.T) {
	for body, want := range map[string]bool{
		`{"error":"Not found","code":"404"}`:                     true,
		`{"error":"Not found"}`:                                  true,
		`{"message":"no Route matched with those values"}`:       false,
		`{"error":{"message":"x"}}`:                              false,
		`<html><head><title>404 Not Found</title></head></html>`: false,
		``: false,
	} {
		var n int
		_, err := client(answers(&n, answer(404, body))).Agent(t.Context(), "bot")
		var e *pipecat.Error
		if !errors.As(err, &e) || e.Missing() != want {
			t.Errorf("%s: missing: %v, want %v", body, !want, want)
		}
	}
}

// TestErrorShapes holds that errors come in each shape that the platform may send.
func TestErrorShapes(t *testing.T) {
	for shape, want := range map[string]pipecat.AgentErrors{
		`[{"code":"C","message":"m"}]`: {{Code: "C", Message: "m"}},
		`{"code":"C","message":"m"}`:   {{Code: "C", Message: "m"}},
		`{"code":"C","error":"m"}`:     {{Code: "C", Message: "m"}},
		`[{"error":"m"}]`:              {{Message: "m"}},
		`"no image"`:                   {{Message: "no image"}},
		`"PCC_IMAGE_NOT_FOUND"`:        {{Code: "PCC_IMAGE_NOT_FOUND"}},
		`"pcc-1004: no billing"`:       {{Code: "pcc-1004", Message: "no billing"}},
		`["a",{"message":"b"}]`:        {{Message: "a"}, {Message: "b"}},
		`[["PCC_X"],[{"code":"C"}]]`:   {{Code: "PCC_X"}, {Code: "C"}},

		`{"PCC_X":"m","PCC_Y":["n"]}`:             {{Code: "PCC_X", Message: "m"}, {Code: "PCC_Y", Message: "n"}},
		`{"items":[{"code":"C"}],"total":1}`:      {{Code: "C"}},
		`{"image":{"code":"C","message":"m"}}`:    {{Code: "C", Message: "m"}},
		`{"reason":"PCC_X","at":"today"}`:         {{Code: "PCC_X"}},
		"[" + strings.Repeat("{},", 200) + `"a"]`: {{Message: "a"}},

		`null`: nil, `""`: nil, `{}`: nil, `7`: nil, `true`: nil, `"  "`: nil, `[" ",{"code":" ","message":null},[[]],[{}],7,false]`: nil,
		`{"items":[],"total":0,"status":"none","x":{"y":null}}`: nil, `[[[[["a"]]]]]`: nil, `{"code":7,"message":[]}`: nil,
	} {
		var n int
		a, err := client(answers(&n, answer(200, `{"desiredDeploymentId":"d","errors":`+shape+`}`))).Agent(t.Context(), "bot")
		if err != nil || !slices.Equal(a.Errors, want) {
			t.Errorf("%s: got %+v, %v", shape, a.Errors, err)
		}
	}
}

// TestIsReady holds that what is no boolean is not "true", and that the deprecated
// field counts only where the other is absent.
func TestIsReady(t *testing.T) {
	for fields, want := range map[string]bool{
		`"ready":true`: true, `"ready":true,"activeDeploymentReady":false`: true,
		`"activeDeploymentReady":true`: true, `"ready":null,"activeDeploymentReady":true`: true,
		`"ready":false,"activeDeploymentReady":true`: false, `"ready":"true"`: false, `"ready":1`: false,
		`"ready":"true","activeDeploymentReady":true`: false, `"activeDeploymentReady":"true"`: false, `"x":0`: false,
	} {
		var n int
		a, err := client(answers(&n, answer(200, `{"desiredDeploymentId":"d",`+fields+`}`))).Agent(t.Context(), "bot")
		if err != nil || a.IsReady() != want {
			t.Errorf("%s: ready: %v, %v", fields, !want, err)
		}
	}
}

func TestLogs(t *testing.T) {
	var n int
	c := client(answers(&n, answer(200, `{"total":{"value":4},"logs":[{"log":"last","timestamp":"2025-04-19T01:25:47.225Z"},{"log":"of another","deploymentId":"c"},{"log":"second","deploymentId":"d"},{"log":"first"}]}`)))
	for most, want := range map[int]string{9: "first second last", 2: "second last"} {
		lines, err := c.Logs(t.Context(), "bot", "d", most)
		var got []string
		for _, l := range lines {
			got = append(got, l.Text)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestLongLogs holds that of a log without an end some thousands of lines are read, and
// that lines which are not understood cost no other.
func TestLongLogs(t *testing.T) {
	var n int
	for _, tt := range []struct {
		logs  string
		lines int
	}{
		{`[` + strings.Repeat(`{"log":"a"},`, 9999) + `{"log":"b"}]`, 10_000},
		{`[` + strings.Repeat(`{},`, 20_000) + `{}]`, 10_000},
		{`[` + strings.Repeat(`7,{"log":8},`, 20_000) + `{"log":"a"}]`, 1},
		{`{"log":"a"}`, 0},
	} {
		lines, err := client(answers(&n, answer(200, `{"logs":`+tt.logs+`}`))).Logs(t.Context(), "bot", "d", 1_000_000)
		if err != nil || len(lines) != tt.lines {
			t.Errorf("%.30s: %d lines, %v; want %d", tt.logs, len(lines), err, tt.lines)
		}
	}
}

// unread finds fields that a document with all of them has left empty.
func unread(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[pipecat.Time]():
		if v.Interface().(pipecat.Time).IsZero() {
			t.Errorf("%s is not read", path)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; path != "agent.Errors[1]" {
				unread(t, path+"."+name, v.Field(i))
			}
		}
	case v.IsZero():
		t.Errorf("%s is not read", path)
	case v.Kind() == reflect.Pointer:
		unread(t, path, v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			unread(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	}
}

// TestOddDocuments holds that a field of another type, or a null, costs no more
// than that field.
func TestOddDocuments(t *testing.T) {
	for _, doc := range []string{
		`{"desiredDeploymentId":"d","ready":"yes","available":1,"createdAt":"yesterday","currentRevision":[],"deployment":7}`,
		`{"ready":null,"available":null,"createdAt":null,"errors":null,"conditions":null,"currentRevision":null,"deployment":null,"desiredDeploymentId":"d"}`,
		`{"errors":{"code":1},"conditions":"none","krispViva":true,"autoScaling":[1],"desiredDeploymentId":"d"}`,
		`{"errors":[7,null,{"code":7}],"currentRevision":{"readyReplicas":1.5,"health":{"lastExitCode":"1","restartCount":1e99}},"desiredDeploymentId":"d"}`,
		`{"activeDeploymentId":"d","brandNew":{"x":[1,2,3]}}`,
		`{"deployment":{"id":7},"deployment":{},"desiredDeploymentId":"d"}`,
	} {
		var n int
		a, err := client(answers(&n, answer(200, doc))).Agent(t.Context(), "bot")
		if err != nil || a.Desired() != "d" {
			t.Errorf("%s: %+v, %v", doc, a, err)
		}
	}
}

// TestOddFields holds that a field of another type is as if it were missing,
// and not a zero that decides something.
func TestOddFields(t *testing.T) {
	const doc = `{"desiredDeploymentId":"d","available":"maybe","autoScaling":{"minReplicas":"1","maxReplicas":9},"KrispViva":7,
"currentRevision":{"deploymentID":"d","phase":["x"],"readyReplicas":2,"health":{"ready":true,"lastExitCode":"137","restartCount":1.5,"reason":"r"}},
"previousRevision":{"deploymentID":"c","health":"x"},"conditions":[{"type":"Degraded","status":true},{"type":7}],"deployment":{"id":"d","manifest":{"spec":{"image":"i","envFromSecretNames":"s"}}}}`
	var n int
	a, err := client(answers(&n, answer(200, doc))).Agent(t.Context(), "bot")
	if err != nil {
		t.Fatal(err)
	}
	h := a.CurrentRevision.Health
	if a.Available != pipecat.Odd || a.AutoScaling.MinReplicas != nil || *a.AutoScaling.MaxReplicas != 9 || a.KrispViva != nil || a.PreviousRevision.Health != nil || a.PreviousRevision.DeploymentID != "c" {
		t.Errorf("got %+v", a)
	}
	if h.LastExitCode != nil || h.RestartCount != nil || !h.Ready || h.Reason != "r" || a.CurrentRevision.Phase != "" || a.CurrentRevision.ReadyReplicas != 2 {
		t.Errorf("got %+v", h)
	}
	if a.Conditions != nil || a.Deployment.Manifest.Spec.Image != "i" {
		t.Errorf("got %+v and %+v", a.Conditions, a.Deployment)
	}
}

// TestLists holds that an item which is not understood costs no more than that
// item, and that a list does not grow without end.
func TestLists(t *testing.T) {
	for _, tt := range []struct {
		list string
		want []string
	}{
		{`["a","b"]`, []string{"a", "b"}},
		{`["a",7,{"x":1},"b"]`, []string{"a", "b"}},
		{`"a"`, nil},
		{`{"a":"b"}`, nil},
		{`null`, nil},
		{`[` + strings.Repeat(`"a",`, 4e5) + `"a"]`, slices.Repeat([]string{"a"}, 100)},
	} {
		var n int
		a, err := client(answers(&n, answer(200, `{"desiredDeploymentId":"d","deployment":{"manifest":{"spec":{"envFromSecretNames":`+tt.list+`}}}}`))).Agent(t.Context(), "bot")
		if err != nil {
			t.Fatal(err)
		}
		if got := []string(a.Deployment.Manifest.Spec.EnvFromSecretNames); !slices.Equal(got, tt.want) || a.Desired() != "d" {
			t.Errorf("%.40s: got %.200q", tt.list, got)
		}
	}
}

// TestTexts holds that an answer's texts are kept without the key, and not
// whole when they are very long.
func TestTexts(t *testing.T) {
	long := "first " + strings.Repeat("x", 3<<20) + " last"
	doc, err := json.Marshal(map[string]any{
		"region":              "us " + key,
		"desiredDeploymentId": "d",
		"currentRevision":     map[string]any{"phase": long, "health": map[string]any{"message": strings.Repeat("x", 64<<10-9) + key + long}},
		"errors":              []any{map[string]any{"code": "X", "message": "no " + key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	a, err := client(answers(&n, answer(200, strings.Replace(string(doc), "us sk_", `us \u0073k_`, 1)))).Agent(t.Context(), "bot")
	if err != nil {
		t.Fatal(err)
	}
	phase, message := a.CurrentRevision.Phase, a.CurrentRevision.Health.Message
	if len(phase)+len(message) > 600<<10 || !strings.HasPrefix(phase, "first ") || !strings.HasSuffix(message, " last") || !strings.Contains(phase, "cut out") {
		t.Errorf("keeps %d and %d bytes: %.30q … %.30q", len(phase), len(message), phase, message)
	}
	if a.Region != "us ***" || a.Errors[0].Message != "no ***" || strings.Contains(message, key[:5]) {
		t.Errorf("keeps the key: %q, %+v", a.Region, a.Errors)
	}
}

// TestWhole holds that an error which is whole has all of what was said, and that no other
// has.
func TestWhole(t *testing.T) {
	for _, tt := range []struct {
		e    pipecat.Error
		want bool
	}{
		{pipecat.Error{Status: 404, Message: "no route", Body: "{}"}, true},
		{pipecat.Error{Status: 404, Message: "Not Found"}, true},
		{pipecat.Error{Status: 404, Message: "not found"}, false},
		{pipecat.Error{Status: 404, Body: "<html>no</html>\n"}, true},
		{pipecat.Error{Status: 522, Body: "error code: 522"}, true}, // a status that has no name
		{pipecat.Error{Status: 404, Body: strings.Repeat("é", 200)}, true},
		{pipecat.Error{Status: 404, Body: strings.Repeat("é", 201)}, false},
		{pipecat.Error{Status: 404, Body: "<html>\nno</html>"}, false},
		{pipecat.Error{Status: 404, Body: `["no"]`}, false},
		{pipecat.Error{Status: 200, Body: "no", Err: io.EOF}, false},
	} {
		said := strings.TrimSpace(cmp.Or(tt.e.Message, tt.e.Body))
		upload := pipecat.UploadError{Status: tt.e.Status, Message: tt.e.Message, Body: tt.e.Body, Err: tt.e.Err}
		if has := strings.Contains(tt.e.Error(), said); tt.e.Whole() != tt.want || has != tt.want || upload.Whole() != tt.want || strings.Contains(upload.Error(), said) != tt.want {
			t.Errorf("%q: %t, in %s", said, tt.e.Whole(), tt.e.Error())
		}
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("x", 9<<20)
	for _, tt := range []struct {
		name      string
		answer    func(http.ResponseWriter)
		want      pipecat.Error
		text      string
		temporary bool
	}{
		{"refused", answer(400, `{"error":"Build not found","code":"GENERIC_BAD_REQUEST"}`),
			pipecat.Error{Status: 400, Code: "GENERIC_BAD_REQUEST", Message: "Build not found"},
			"POST https://api.example.com/v1/agents/bot: 400 Bad Request: Build not found (GENERIC_BAD_REQUEST)", false},
		{"as a message", answer(422, `{"message":"no"}`), pipecat.Error{Status: 422, Message: "no"},
			"POST https://api.example.com/v1/agents/bot: 422 Unprocessable Entity: no", false},
		{"HTML", answer(502, "<html>\n<b>Bad Gateway</b>"), pipecat.Error{Status: 502},
			`POST https://api.example.com/v1/agents/bot: 502 Bad Gateway: "<html>"`, true},
		{"nothing", answer(500, ""), pipecat.Error{Status: 500}, "POST https://api.example.com/v1/agents/bot: 500 Internal Server Error", true},
		{"seconds", answer(429, "{}", "Retry-After", "17"), pipecat.Error{Status: 429, RetryAfter: 17 * time.Second}, "", true},
		{"a date", answer(503, "{}", "Retry-After", "Sat, 01 Jan 2000 00:01:00 GMT"), pipecat.Error{Status: 503, RetryAfter: time.Minute}, "", true},
		{"a date, by the server's clock", answer(503, "{}", "Retry-After", "Tue, 03 Mar 2026 00:01:00 GMT", "Date", "Tue, 03 Mar 2026 00:00:48 GMT"),
			pipecat.Error{Status: 503, RetryAfter: 12 * time.Second}, "", true},
		{"a date that is past", answer(503, "{}", "Retry-After", "Fri, 01 Jan 1999 00:00:00 GMT"), pipecat.Error{Status: 503}, "", true},
		{"soon", answer(503, "{}", "Retry-After", "soon"), pipecat.Error{Status: 503}, "", true},
		{"less than nothing", answer(503, "{}", "Retry-After", "-5"), pipecat.Error{Status: 503}, "", true},
		{"a redirect", answer(307, "", "Location", "https://u:p@evil.example/x?token=1"), pipecat.Error{Status: 307},
			"POST https://api.example.com/v1/agents/bot: 307 Temporary Redirect: the API redirects, which is not followed so that the key goes nowhere else: https://evil.example/x", false},
		{"no object", answer(200, "[1]"), pipecat.Error{Status: 200}, "POST https://api.example.com/v1/agents/bot: 200 OK, but the answer cannot be read: it is not a JSON object", true},
		{"null", answer(200, "null"), pipecat.Error{Status: 200}, "", true},
		{"empty", answer(200, " \n"), pipecat.Error{Status: 200}, "POST https://api.example.com/v1/agents/bot: 200 OK, but the answer cannot be read: it is empty", true},
		{"cut", answer(200, `{"name":"b`), pipecat.Error{Status: 200}, "POST https://api.example.com/v1/agents/bot: 200 OK, but the answer cannot be read: unexpected end of JSON input", true},
		{"endless", answer(200, long), pipecat.Error{Status: 200}, "POST https://api.example.com/v1/agents/bot: 200 OK, but the answer cannot be read: it is too large", true},
		{"broken off", func(w http.ResponseWriter) { io.WriteString(w, `{"name":`); panic(http.ErrAbortHandler) }, pipecat.Error{Status: 200},
			"POST https://api.example.com/v1/agents/bot: 200 OK, but the answer cannot be read: unexpected EOF", true},
		{"reset", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, pipecat.Error{}, "POST https://api.example.com/v1/agents/bot: no answer: connection reset by peer", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n int
				c := client(answers(&n, tt.answer))
				c.Retries = 4
				_, err := c.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{})
				var e *pipecat.Error
				if !errors.As(err, &e) {
					t.Fatalf("got %v, want a *pipecat.Error", err)
				}
				if e.Status != tt.want.Status || e.Code != tt.want.Code || e.RetryAfter != tt.want.RetryAfter ||
					tt.want.Message != "" && e.Message != tt.want.Message || e.Method != "POST" || e.Temporary() != tt.temporary {
					t.Errorf("got %+v, temporary %v", e, e.Temporary())
				}
				if tt.text != "" && e.Error() != tt.text {
					t.Errorf("got  %s\nwant %s", e, tt.text)
				}
				if n != 1 {
					t.Errorf("a write was sent %d times", n)
				}
				if len(e.Body) > 4<<10 {
					t.Errorf("keeps %d bytes", len(e.Body))
				}
			})
		})
	}
}

// TestForgets holds that a try keeps nothing of what the one before has read.
func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n int
		c := client(answers(&n, answer(200, `{"name":"another","desiredDeploymentId":"theirs","region":"us-east"}`),
			answer(200, `{"name":"bot","desiredDeploymentId":null}`), answer(200, `{"name":"bot","desiredDeploymentId":"ours"}`)))
		c.Retries = 4
		if a, err := c.Agent(t.Context(), "bot"); err != nil || n != 3 || a.Desired() != "ours" || a.Region != "" {
			t.Errorf("got %+v, %v, after %d tries", a, err, n)
		}
	})
}

func TestRetries(t *testing.T) {
	good := answer(200, `{"name":"bot","desiredDeploymentId":"d"}`)
	for _, tt := range []struct {
		name    string
		answers []func(http.ResponseWriter)
		tries   int
		took    time.Duration
		ok      bool
	}{
		{"at once", []func(http.ResponseWriter){good}, 1, 0, true},
		{"a blip", []func(http.ResponseWriter){answer(502, ""), good}, 2, 500 * time.Millisecond, true},
		{"half an answer", []func(http.ResponseWriter){answer(200, `{"na`), good}, 2, 500 * time.Millisecond, true},
		{"as long as it asks", []func(http.ResponseWriter){answer(429, "", "Retry-After", "9"), good}, 2, 9 * time.Second, true},
		{"but at most half a minute", []func(http.ResponseWriter){answer(503, "", "Retry-After", "9999"), good}, 2, 30 * time.Second, true},
		{"no more than so often", []func(http.ResponseWriter){answer(502, "")}, 5, 7500 * time.Millisecond, false},
		{"not what is refused", []func(http.ResponseWriter){answer(404, `{"error":"Not found"}`), good}, 1, 0, false},
		{"a 404 of something in between", []func(http.ResponseWriter){answer(404, "{}"), good}, 2, 500 * time.Millisecond, true},
		{"not a redirect", []func(http.ResponseWriter){answer(302, "", "Location", "/elsewhere"), good}, 1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n int
				c := client(answers(&n, tt.answers...))
				c.Retries = 4
				var waited time.Duration
				c.Retrying = func(_ *pipecat.Error, wait time.Duration) { waited += wait }
				began := time.Now()
				a, err := c.Agent(t.Context(), "bot")
				if waited != tt.took {
					t.Errorf("reported %s, want %s", waited, tt.took)
				}
				if (err == nil) != tt.ok || tt.ok && a.Name != "bot" {
					t.Errorf("got %+v, %v", a, err)
				}
				if e := (*pipecat.Error)(nil); err != nil && !errors.As(err, &e) {
					t.Errorf("%T is not a *pipecat.Error", err)
				}
				if n != tt.tries || time.Since(began) != tt.took {
					t.Errorf("%d tries in %s, want %d in %s", n, time.Since(began), tt.tries, tt.took)
				}
			})
		})
	}
}

func TestTimeouts(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	synctest.Test(t, func(t *testing.T) {
		c := client(hang)
		began := time.Now()
		if _, err := c.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{}); err == nil || time.Since(began) != 30*time.Second {
			t.Errorf("%v after %s, want an error after 30s", err, time.Since(began))
		}
		began = time.Now()
		if _, err := c.Agent(t.Context(), "bot"); err == nil || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %s, want an error after 10s", err, time.Since(began))
		}
		// A context that ends is obeyed in a request and between two.
		c.Retries = 9
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began = time.Now()
		if _, err := c.Agent(ctx, "bot"); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s, want an error after 3s", err, time.Since(began))
		}
	})
}

// TestKey holds over a real connection that a redirect is not followed, and
// that no error shows the key.
func TestKey(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked, with %q", r.Host, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}))
	defer api.Close()
	base, _ := url.Parse(api.URL)
	c := &pipecat.Client{Base: base, Key: key}
	_, readErr := c.Agent(t.Context(), "bot")
	_, writeErr := c.CreateAgent(t.Context(), pipecat.CreateRequest{})
	api.Close()
	_, goneErr := c.Agent(t.Context(), "bot")
	echo := client(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, strings.Repeat("x", 190)+r.Header.Get("Authorization"))
	})
	_, echoErr := echo.Agent(t.Context(), "bot")
	for _, err := range []error{readErr, writeErr, goneErr, echoErr} {
		if err == nil {
			t.Fatal("no error")
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, key[:5]) {
			t.Errorf("shows the key: %s", text)
		}
	}
}

func FuzzAgent(f *testing.F) {
	for _, seed := range []string{`{}`, `{"desiredDeploymentId":"d","errors":[1]}`, `null`, ``, `{"desiredDeploymentId":"d","createdAt":"x"}`, `{"activeDeploymentId":"d","currentRevision":{"health":{"lastExitCode":9}}}`, `{"name":"other","desiredDeploymentId":"d"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var n int
		a, err := client(answers(&n, answer(200, string(body)))).Agent(t.Context(), "bot")
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(body, &object) == nil && object != nil
		if err == nil && (a == nil || !isObject) || err != nil && isObject && !strings.Contains(err.Error(), "it names no deployment") && !strings.Contains(err.Error(), "it is of the agent ") {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

// TestHalfAKey holds that no beginning of the key is at the end of what is kept
// of an answer, however many keys were taken out before it.
func TestHalfAKey(t *testing.T) {
	for n := range len(key) {
		var asked int
		_, err := client(answers(&asked, answer(500, strings.Repeat("x", n)+strings.Repeat(key, 1000)))).Agent(t.Context(), "bot")
		e := (*pipecat.Error)(nil)
		if !errors.As(err, &e) || strings.Contains(e.Body, key[:3]) {
			t.Errorf("after %d bytes: …%s", n, e.Body[len(e.Body)-40:])
		}
	}
}

// TestSecretSetShown holds which documents show a secret set: an empty one is there.
func TestSecretSetShown(t *testing.T) {
	for body, shown := range map[string]bool{
		`{"secrets":[]}`: true, `{"status":"ready"}`: true, `{"secrets":[{"fieldName":"KEY"}]}`: true,
		`{}`: false, `{"secrets":null}`: false, `{"error":"no"}`: false,
	} {
		var n int
		s, err := client(answers(&n, answer(200, body))).SecretSet(t.Context(), "s")
		if (err == nil) != shown || shown && s == nil {
			t.Errorf("%s: %+v, %v", body, s, err)
		}
	}
}
