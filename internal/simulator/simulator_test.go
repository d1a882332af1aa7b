package simulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
)

// TestMain leaves garbage for longer: to collect it would take a quarter of the tests' time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

// caller calls the cloud under its contract.
type caller struct {
	t *testing.T
	h http.Handler
}

func newCaller(t *testing.T, cloud http.Handler) caller {
	h, err := simulator.Contract(cloud, func(err error) { t.Errorf("contract: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return caller{t, h}
}

func (c caller) call(method, path, body string) (status int, answer map[string]any) {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer sk_test")
	if strings.HasPrefix(path, "/v1/public/") {
		r.Header.Set("Authorization", "Bearer pk_test")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, answer
}

const (
	goodBuild    = "11111111-1111-4111-8111-111111111111"
	runningBuild = "22222222-2222-4222-8222-222222222222"
	failedBuild  = "33333333-3333-4333-8333-333333333333"
	farBuild     = "44444444-4444-4444-8444-444444444444"
)

func newCloud() *simulator.Cloud {
	cloud := &simulator.Cloud{}
	cloud.AddAgent("bot", "us-west", "acme/bot:v1")
	cloud.AddBuild(simulator.Build{ID: goodBuild})
	cloud.AddBuild(simulator.Build{ID: runningBuild, After: time.Minute})
	cloud.AddBuild(simulator.Build{ID: failedBuild, Status: "failed", Error: "no Dockerfile"})
	cloud.AddBuild(simulator.Build{ID: farBuild, Region: "eu-central"})
	cloud.AddSecretSet(simulator.SecretSet{Name: "keys"})
	cloud.AddSecretSet(simulator.SecretSet{Name: "slow-keys", After: 5 * time.Second})
	cloud.AddSecretSet(simulator.SecretSet{Name: "far-keys", Region: "us-east"})
	cloud.AddSecretSet(simulator.SecretSet{Name: "pull", Pull: true})
	return cloud
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"no such agent", "GET", "/v1/agents/nobody", "", 404, "Not found"},
		{"update of no agent", "POST", "/v1/agents/nobody", `{"image":"a:b"}`, 404, "Service not found"},
		{"both", "POST", "/v1/agents/bot", `{"image":"a:b","buildId":"` + goodBuild + `"}`, 400, "Cannot specify both image and buildId"},
		{"no such build", "POST", "/v1/agents/bot", `{"buildId":"99999999-9999-4999-8999-999999999999"}`, 400, "Build not found"},
		{"build runs", "POST", "/v1/agents/bot", `{"buildId":"` + runningBuild + `"}`, 400, "Build is not ready (status: pending)"},
		{"build failed", "POST", "/v1/agents/bot", `{"buildId":"` + failedBuild + `"}`, 400, "Build is not ready (status: failed)"},
		{"build is elsewhere", "POST", "/v1/agents/bot", `{"buildId":"` + farBuild + `"}`, 400, "Build is in region 'eu-central'"},
		{"no such set", "POST", "/v1/agents/bot", `{"secretSet":"nothing"}`, 404, "Secret set not found"},
		{"pull set as secrets", "POST", "/v1/agents/bot", `{"secretSet":"pull"}`, 404, "Secret set not found"},
		{"set is elsewhere", "POST", "/v1/agents/bot", `{"secretSet":"far-keys"}`, 400, "Secret set 'far-keys' is in region 'us-east'"},
		{"set is pending", "POST", "/v1/agents/bot", `{"secretSet":"slow-keys"}`, 409, "not yet ready"},
		{"min above the current max", "POST", "/v1/agents/bot", `{"autoScaling":{"minAgents":11}}`, 400, "Invalid parameters"},
		{"exists", "POST", "/v1/agents", `{"serviceName":"bot","image":"a:b"}`, 400, "Service already exists"},
		{"create of nothing", "POST", "/v1/agents", `{"serviceName":"new-bot"}`, 400, "Either image or buildId is required"},
		{"create nowhere", "POST", "/v1/agents", `{"serviceName":"new-bot","image":"a:b","region":"moon"}`, 400, "Invalid region"},
		{"build id", "GET", "/v1/builds/latest", "", 400, "Invalid build ID format"},
		{"no such build to read", "GET", "/v1/builds/99999999-9999-4999-8999-999999999999", "", 404, "Build not found"},
		{"pull set read", "GET", "/v1/secrets/pull", "", 400, "Cannot retrieve image pull secrets"},
		{"logs of nobody", "GET", "/v1/agents/nobody/logs", "", 404, "Not found"},
		{"amd64 where there is none", "POST", "/v1/agents/bot", `{"architecture":"amd64"}`, 400, "Invalid parameters"},
		{"amd where there is none", "POST", "/v1/agents/bot", `{"nodeType":"amd"}`, 400, "Invalid parameters"},
		{"no such profile", "POST", "/v1/agents/bot", `{"agentProfile":"agent-9x"}`, 400, "Invalid parameters"},
		{"no such profile to create", "POST", "/v1/agents", `{"serviceName":"new-bot","image":"a:b","agentProfile":"agent-9x"}`, 400, "Invalid parameters"},
		{"an image without a tag", "POST", "/v1/agents/bot", `{"image":"registry:5000/acme/bot"}`, 400, "Invalid parameters"},
		{"delete of nobody", "DELETE", "/v1/agents/nobody", "", 404, "Not found"},
		{"sessions of nobody", "GET", "/v1/agents/nobody/sessions", "", 404, "not found"},
		{"no such session", "GET", "/v1/agents/bot/sessions/99999999-9999-4999-8999-999999999999", "", 404, "not found"},
		{"end of no session", "DELETE", "/v1/agents/bot/sessions/99999999-9999-4999-8999-999999999999", "", 404, "not found"},
		{"delete of no set", "DELETE", "/v1/secrets/nothing", "", 404, "Set not found"},
		{"delete of no key", "DELETE", "/v1/secrets/keys/NOTHING", "", 404, "Secret not found"},
		{"delete of a pull set's key", "DELETE", "/v1/secrets/pull/API_KEY", "", 404, "Secret not found"},
		{"another type of set", "PUT", "/v1/secrets/keys", `{"isImagePullSecret":true,"host":"https://ghcr.io/","secretValue":"dTp0"}`, 400, "Cannot update existing regular secrets"},
		{"a pull set by keys", "PUT", "/v1/secrets/pull", `{"secrets":[{"secretKey":"A","secretValue":"1"}]}`, 400, "Must provide isImagePullSecret"},
		{"a pull set that is no base64", "PUT", "/v1/secrets/new-pull", `{"isImagePullSecret":true,"host":"https://ghcr.io/","secretValue":"user:token"}`, 400, "Must provide isImagePullSecret"},
		{"a set that moves", "PUT", "/v1/secrets/keys", `{"region":"us-east","secrets":[{"secretKey":"A","secretValue":"1"}]}`, 400, "Cannot change region"},
		{"a set nowhere", "PUT", "/v1/secrets/new-keys", `{"region":"moon","secrets":[{"secretKey":"A","secretValue":"1"}]}`, 400, "Invalid region"},
		{"a set's name", "PUT", "/v1/secrets/New_Keys", `{"secrets":[{"secretKey":"A","secretValue":"1"}]}`, 400, "Invalid request format"},
		{"a default region nowhere", "PATCH", "/v1/properties", `{"defaultRegion":"moon"}`, 400, "Region 'moon' is not available"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud()
			status, answer := newCaller(t, cloud).call(tt.method, tt.path, tt.body)
			message, _ := answer["error"].(string)
			if status != tt.status || !strings.Contains(message, tt.message) {
				t.Errorf("got %d %q, want %d %q", status, message, tt.status, tt.message)
			}
			if n := len(cloud.Deployments("bot")); n != 1 {
				t.Errorf("a refused request left %d deployments, want 1", n)
			}
		})
	}
}

// TestOddRequests holds that what is not even of the contract is refused.
func TestOddRequests(t *testing.T) {
	for _, tt := range []struct{ method, path, body, message string }{
		{"POST", "/v1/agents/bot", `{"krispViva":{"audioFilter":"loud"}}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"maxSessionDuration":0}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"maxSessionDuration":59}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"maxSessionDuration":14401}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"architecture":"riscv"}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"image":""}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"image":"ghcr.io/Acme/bot:v1"}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"image":"acme/bot:v 1"}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"buildId":""}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"agentProfile":""}`, "Invalid parameters"},
		{"POST", "/v1/agents", `{"serviceName":"new-bot","image":"a:b","agentProfile":""}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"websocketAuth":""}`, "Invalid parameters"},
		{"GET", "/v1/agents/bot/logs?order=up", "", "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"websocketAuth":"perhaps"}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `{"autoScaling":{"minAgents":3,"maxAgents":2}}`, "Invalid parameters"},
		{"POST", "/v1/agents/bot", `no JSON`, "Invalid parameters"},
		{"GET", "/v1/agents?includeActiveDeployment=perhaps", "", "Invalid parameters"},
		{"GET", "/v1/agents/bot/sessions?status=perhaps", "", "Invalid parameters"},
		{"POST", "/v1/public/bot/start", `{"transport":"pigeon"}`, "Invalid parameters"},
		{"PATCH", "/v1/properties", `{"color":"red"}`, "Property 'color' is not a valid property"},
		{"PATCH", "/v1/properties", `{}`, "No properties provided"},
		{"PUT", "/v1/secrets/keys", `{"secrets":[]}`, "Invalid request format"},
		{"PUT", "/v1/secrets/keys", `{"secrets":[{"secretKey":"A","secretValue":""}]}`, "Invalid request format"},
		{"PUT", "/v1/secrets/keys", `{"secrets":[{"secretKey":"A B","secretValue":"1"}]}`, "Invalid request format"},
	} {
		cloud := newCloud()
		if status, answer := (caller{t, cloud}).call(tt.method, tt.path, tt.body); status != 400 || !strings.Contains(fmt.Sprint(answer["error"]), tt.message) {
			t.Errorf("%s %s %s: %d %v", tt.method, tt.path, tt.body, status, answer)
		}
		if n := len(cloud.Deployments("bot")); n != 1 {
			t.Errorf("%s: %d deployments", tt.body, n)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   int
	}{{"Bearer right", 200}, {"Bearer wrong", 401}, {"Bearer pk_right", 401}, {"right", 401}, {"", 401}} {
		cloud := newCloud()
		cloud.Key = "right"
		r := httptest.NewRequest("GET", "/v1/agents/bot", nil)
		r.Header.Set("Authorization", tt.header)
		w := httptest.NewRecorder()
		cloud.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%q: got %d, want %d", tt.header, w.Code, tt.want)
		}
	}
}

// TestScripts holds every script's documents to the contract, at every half
// second, and to what makes the platform hard to judge.
func TestScripts(t *testing.T) {
	for _, script := range simulator.Scripts() {
		t.Run(script.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := newCloud()
				c := newCaller(t, cloud)
				old := cloud.Deployments("bot")[0]
				_, answer := c.call("POST", "/v1/agents/bot", `{"image":"acme/bot:`+script.Name+`"}`)
				ours := answer["desiredDeploymentId"]
				if ours == old || answer["reconciledDeploymentId"] != old || answer["ready"] != true {
					t.Fatalf("right after the update, desired %v is to be new, and reconciled %v and ready %v the old ones", ours, answer["reconciledDeploymentId"], answer["ready"])
				}
				for range 100 {
					time.Sleep(time.Second / 2)
					_, doc := c.call("GET", "/v1/agents/bot", "")
					if serves := doc["ready"] == true && doc["reconciledDeploymentId"] == ours; serves != (cloud.Serving("bot") == ours) {
						t.Fatalf("the document says that ours serves: %v; the cloud says otherwise", serves)
					}
					if doc["available"] != true {
						t.Fatal("the old deployment must go on serving")
					}
				}
				c.call("GET", "/v1/agents/bot/logs?limit=3&order=asc", "")
			})
		})
	}
}

func TestUnchanged(t *testing.T) {
	cloud := newCloud()
	c := newCaller(t, cloud)
	ids := func() int { return len(cloud.Deployments("bot")) }
	for _, step := range []struct {
		body string
		want int
	}{
		{`{"image":"acme/bot:v1"}`, 1},                          // what it has
		{`{"autoScaling":{"minAgents":2}}`, 1},                  // scaling alone
		{`{"image":"acme/bot:v1","forceRedeploy":true}`, 2},     // forced
		{`{"krispViva":{"audioFilter":"tel"}}`, 3},              // a setting
		{`{"krispViva":{"audioFilter":null}}`, 4},               // null turns it off
		{`{"secretSet":"keys","imagePullSecretSet":"pull"}`, 5}, // more settings
		{`{"buildId":"` + goodBuild + `"}`, 6},
		{`{"buildId":"` + goodBuild + `"}`, 6},
	} {
		if status, answer := c.call("POST", "/v1/agents/bot", step.body); status != 200 {
			t.Fatalf("%s: %d %v", step.body, status, answer)
		}
		if ids() != step.want {
			t.Errorf("%s: %d deployments, want %d", step.body, ids(), step.want)
		}
	}
	_, doc := c.call("GET", "/v1/agents/bot", "")
	spec := doc["deployment"].(map[string]any)["manifest"].(map[string]any)["spec"].(map[string]any)
	if spec["image"] != "[redacted]" {
		t.Errorf("the image of a build is %v, want it hidden", spec["image"])
	}
}

func TestPendingThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, newCloud())
		for _, want := range []struct {
			after       time.Duration
			build, keys string
		}{{0, "pending", "pending"}, {10 * time.Second, "building", "ready"}, {time.Minute, "success", "ready"}} {
			time.Sleep(want.after)
			_, b := c.call("GET", "/v1/builds/"+runningBuild, "")
			_, s := c.call("GET", "/v1/secrets/slow-keys", "")
			if got := b["build"].(map[string]any)["status"]; got != want.build || s["status"] != want.keys {
				t.Errorf("after %s: build %v and set %v, want %s and %s", want.after, got, s["status"], want.build, want.keys)
			}
		}
		c.call("GET", "/v1/properties", "")
		c.call("GET", "/v1/regions", "")
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		h := simulator.Lossy(cloud, simulator.Between(1, 1, simulator.Writes), false)
		h = simulator.Lossy(h, simulator.Between(2, 2, simulator.Writes), true)
		h = simulator.Answer(h, simulator.Between(3, 3, simulator.Writes), 503, http.Header{"Retry-After": {"7"}}, "busy")
		h = simulator.Hang(h, simulator.Between(4, 0, simulator.Writes))
		client := &http.Client{Transport: simulator.Transport(h), Timeout: time.Second}
		post := func() (*http.Response, string, error) {
			r, _ := http.NewRequest("POST", "http://cloud/v1/agents/bot", strings.NewReader(`{"forceRedeploy":true}`))
			r.Header.Set("Authorization", "Bearer k")
			resp, err := client.Do(r)
			if err != nil {
				return nil, "", err
			}
			body, err := io.ReadAll(resp.Body)
			return resp, string(body), err
		}
		if _, _, err := post(); err == nil || len(cloud.Deployments("bot")) != 2 {
			t.Errorf("lost: %v with %d deployments, want an error with 2", err, len(cloud.Deployments("bot")))
		}
		if resp, body, err := post(); err == nil || resp.StatusCode != 200 || body == "" || len(cloud.Deployments("bot")) != 3 {
			t.Errorf("half an answer: %v %q", err, body)
		}
		if resp, body, err := post(); err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "7" || body != "busy" {
			t.Errorf("answer: %v %q", err, body)
		}
		if _, _, err := post(); err == nil || len(cloud.Deployments("bot")) != 3 {
			t.Errorf("hang: %v with %d deployments, want an error with 3", err, len(cloud.Deployments("bot")))
		}
	})
}

// TestSlowFaults holds what takes its time to what it says of itself.
func TestSlowFaults(t *testing.T) {
	reads, writes := simulator.Reads, simulator.Writes
	for _, tt := range []struct {
		name    string
		fault   func(http.Handler) http.Handler
		method  string
		fails   bool // when it is given ten seconds
		took    time.Duration
		written int           // deployments when it returns
		later   time.Duration // until there are two of them
	}{
		{"delay", func(h http.Handler) http.Handler { return simulator.Delay(h, reads, 3*time.Second) }, "GET", false, 3 * time.Second, 1, 0},
		{"too long a delay", func(h http.Handler) http.Handler { return simulator.Delay(h, writes, time.Minute) }, "POST", true, 10 * time.Second, 2, 0},
		{"late", func(h http.Handler) http.Handler { return simulator.Late(h, writes, 5*time.Second) }, "POST", true, 0, 1, 5 * time.Second},
		{"trickle", func(h http.Handler) http.Handler { return simulator.Trickle(h, reads, time.Second) }, "GET", true, 10 * time.Second, 1, 0},
		{"endless", func(h http.Handler) http.Handler { return simulator.Endless(h, reads) }, "GET", false, 0, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := newCloud()
			client := &http.Client{Transport: simulator.Transport(tt.fault(cloud)), Timeout: 10 * time.Second}
			r, _ := http.NewRequest(tt.method, "http://cloud/v1/agents/bot", strings.NewReader(`{"forceRedeploy":true}`))
			r.Header.Set("Authorization", "Bearer k")
			began := time.Now()
			resp, err := client.Do(r)
			var n int64
			if err == nil {
				n, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
				resp.Body.Close()
			}
			if (err != nil) != tt.fails {
				t.Errorf("%s: %v", tt.name, err)
			}
			if tt.name == "endless" && n != 1<<20 {
				t.Errorf("endless: ends after %d bytes", n)
			}
			if took := time.Since(began); took != tt.took {
				t.Errorf("%s: took %s, want %s", tt.name, took, tt.took)
			}
			if n := len(cloud.Deployments("bot")); n != tt.written {
				t.Errorf("%s: %d deployments, want %d", tt.name, n, tt.written)
			}
			if tt.later > 0 {
				time.Sleep(tt.later)
				synctest.Wait()
				if n := len(cloud.Deployments("bot")); n != 2 {
					t.Errorf("%s: %d deployments later, want 2", tt.name, n)
				}
			}
		})
	}
}

// TestLaggy holds that a read shows the agent as it was so long ago.
func TestLaggy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		cloud.ReadLag = 5 * time.Second
		c := newCaller(t, cloud)
		desired := func() any {
			_, doc := c.call("GET", "/v1/agents/bot", "")
			return doc["desiredDeploymentId"]
		}
		first := desired()
		_, second := c.call("POST", "/v1/agents/bot", `{"forceRedeploy":true}`)
		time.Sleep(time.Second)
		_, third := c.call("POST", "/v1/agents/bot", `{"forceRedeploy":true}`)
		if got := desired(); got != first {
			t.Errorf("after 1s: %v", got)
		}
		time.Sleep(4 * time.Second)
		if got := desired(); got != second["desiredDeploymentId"] {
			t.Errorf("after 5s: %v", got)
		}
		time.Sleep(time.Second)
		if got := desired(); got != third["desiredDeploymentId"] {
			t.Errorf("after 6s: %v", got)
		}
	})
}
