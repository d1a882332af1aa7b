package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// at follows a path into a JSON object.
func at(doc map[string]any, path ...string) any {
	var v any = doc
	for _, name := range path {
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	return v
}

// spec follows a path into the manifest of an agent's document.
func spec(doc map[string]any, path ...string) any {
	return at(doc, append([]string{"deployment", "manifest", "spec"}, path...)...)
}

const update = `{"image":"acme/bot:v2","secretSet":"keys","agentProfile":"agent-2x"}`

// TestAnswers holds what an update is answered with: something old, or what another
// client has made of the agent since.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		c := newCaller(t, cloud)
		desired := func(body string) any {
			_, doc := c.call("POST", "/v1/agents/bot", body)
			return doc["desiredDeploymentId"]
		}
		id := func(n int) string { return cloud.Deployments("bot")[n] }

		cloud.AnswerLag = 5 * time.Second
		if got := desired(update); got != id(0) {
			t.Errorf("a stale answer names %v, want %v", got, id(0))
		}
		time.Sleep(time.Second)
		desired(`{"forceRedeploy":true}`)
		time.Sleep(4500 * time.Millisecond)
		if got := desired(`{"forceRedeploy":true}`); got != id(1) {
			t.Errorf("an answer that is stale by more than one deployment names %v, want %v", got, id(1))
		}

		cloud.AnswerLag = 0
		cloud.Overtaken = func(string) *pipecat.Settings { return &pipecat.Settings{Image: "acme/bot:theirs"} }
		got, all := desired(`{"forceRedeploy":true}`), cloud.Deployments("bot")
		if theirs := all[len(all)-1]; got != theirs || cloud.Manifest("bot", theirs).Image != "acme/bot:theirs" || !reflect.DeepEqual(cloud.Foreign("bot"), []string{theirs}) {
			t.Errorf("an update that is overtaken names %v, want %v", got, theirs)
		}
	})
}

// TestTorn holds that a deployment shows old settings beside its id for so long, in
// answers and to reads.
func TestTorn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		cloud.ReadLag, cloud.TornFor, cloud.Torn = time.Second, 3*time.Second, []string{"image", "secret-set", "agent-profile"}
		c := newCaller(t, cloud)
		_, doc := c.call("POST", "/v1/agents/bot", update)
		for range 5 {
			if doc["desiredDeploymentId"] != cloud.Deployments("bot")[1] || spec(doc, "image") != "acme/bot:v1" || spec(doc, "envFromSecretNames") != nil || doc["agentProfile"] != "agent-1x" {
				t.Fatalf("not torn: %v", doc)
			}
			time.Sleep(800 * time.Millisecond)
			if _, read := c.call("GET", "/v1/agents/bot", ""); read["desiredDeploymentId"] != cloud.Deployments("bot")[0] {
				doc = read
			}
		}
		_, doc = c.call("GET", "/v1/agents/bot", "")
		if spec(doc, "image") != "acme/bot:v2" || doc["agentProfile"] != "agent-2x" {
			t.Errorf("torn for ever: %v", doc)
		}
	})
}

// TestReadLags holds that copies of the data lag by turns.
func TestReadLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		cloud.ReadLags = []time.Duration{0, 10 * time.Second}
		c := newCaller(t, cloud)
		c.call("POST", "/v1/agents/bot", update)
		time.Sleep(time.Second)
		for i := range 4 {
			_, doc := c.call("GET", "/v1/agents/bot", "")
			if want := cloud.Deployments("bot")[(i+1)%2]; doc["desiredDeploymentId"] != want || cloud.Seen("bot").Desired != want {
				t.Errorf("read %d shows %v, want %v", i, doc["desiredDeploymentId"], want)
			}
		}
	})
}

// TestRude holds the documents of deployments that are hard to judge to what they
// show, and the simulator's books to what is so.
func TestRude(t *testing.T) {
	const s = time.Second
	old := pipecat.AgentError{Code: "PCC-1004", Message: "old"}
	gone := pipecat.AgentError{Code: "PCC_IMAGE_NOT_FOUND", Message: "Image not found."}
	code := 137
	looping := &pipecat.Health{State: "waiting", Reason: "CrashLoopBackOff", Headline: "Out of memory", LastExitCode: &code, RestartCount: new(9), ReplicasStarted: 3}
	active := simulator.Frame{Phase: pipecat.Active, Ready: true}
	with := func(change func(*simulator.Frame)) simulator.Frame {
		f := active
		change(&f)
		return f
	}
	for _, tt := range []struct {
		name    string
		cloud   *simulator.Cloud
		frames  []simulator.Frame
		after   time.Duration
		serving bool
		want    map[string]any // by the path of a field; OURS is the deployment's id, and OLD that of the one before
	}{
		{"errors before the operator looks", &simulator.Cloud{}, []simulator.Frame{{At: s, Errors: []pipecat.AgentError{gone}}, {At: 3 * s}}, 2 * s, false,
			map[string]any{"reconciledDeploymentId": "OLD", "ready": true, "errors": []any{
				map[string]any{"code": old.Code, "message": old.Message}, map[string]any{"code": gone.Code, "message": gone.Message}}}},
		{"which go", &simulator.Cloud{}, []simulator.Frame{{At: s, Errors: []pipecat.AgentError{gone}}, {At: 3 * s}}, 4 * s, false,
			map[string]any{"reconciledDeploymentId": "OLD", "errors": []any{map[string]any{"code": old.Code, "message": old.Message}}}},
		{"an error alone", &simulator.Cloud{ErrorsAs: simulator.ErrorObject}, []simulator.Frame{active}, s, true,
			map[string]any{"errors": map[string]any{"code": old.Code, "message": old.Message}}},
		{"an error's text", &simulator.Cloud{ErrorsAs: simulator.ErrorText}, []simulator.Frame{active}, s, true, map[string]any{"errors": old.Message}},
		{"an operator that goes back", &simulator.Cloud{}, []simulator.Frame{{At: s, Phase: pipecat.Creating}, {At: 2 * s}}, 3 * s, false,
			map[string]any{"reconciledDeploymentId": "OLD", "currentRevision.deploymentID": "OLD", "ready": true}},
		{"ready and looping", &simulator.Cloud{}, []simulator.Frame{with(func(f *simulator.Frame) { f.Health = looping })}, s, false,
			map[string]any{"ready": true, "currentRevision.health.reason": "CrashLoopBackOff", "currentRevision.health.headline": "Out of memory"}},
		{"ready with the revision before", &simulator.Cloud{}, []simulator.Frame{with(func(f *simulator.Frame) { f.RevisionBefore = true })}, s, true,
			map[string]any{"ready": true, "reconciledDeploymentId": "OURS", "currentRevision.deploymentID": "OLD"}},
		{"ready and not available", &simulator.Cloud{}, []simulator.Frame{with(func(f *simulator.Frame) { f.Unavailable = true })}, s, false,
			map[string]any{"ready": true, "available": false}},
		{"ready by the old field alone", &simulator.Cloud{DeprecatedReady: true}, []simulator.Frame{active}, s, true,
			map[string]any{"ready": nil, "activeDeploymentReady": true}},
		{"ready by the old field, and not by the new", &simulator.Cloud{}, []simulator.Frame{{Phase: pipecat.Validating, ActiveReady: true}}, s, false,
			map[string]any{"ready": false, "activeDeploymentReady": true}},
		{"many replicas of a long life", &simulator.Cloud{}, []simulator.Frame{with(func(f *simulator.Frame) {
			f.Replicas, f.Health = 5, &pipecat.Health{Ready: true, State: "running", RestartCount: new(9), ReplicasStarted: 5}
		})}, s, true, map[string]any{"currentRevision.readyReplicas": 5.0, "currentRevision.health.restartCount": 9.0}},
		{"websocketAuth", &simulator.Cloud{ShowWebsocketAuth: true}, []simulator.Frame{active}, s, true, map[string]any{"websocketAuth": "none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := tt.cloud
				cloud.Scripts = map[string]simulator.Script{"rude": {Frames: tt.frames}}
				before := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				cloud.SetErrors("bot", old)
				c := newCaller(t, cloud)
				c.call("POST", "/v1/agents/bot", `{"image":"acme/bot:rude"}`)
				ours := cloud.Deployments("bot")[1]
				time.Sleep(tt.after)
				_, doc := c.call("GET", "/v1/agents/bot", "")
				for path, want := range tt.want {
					switch want {
					case "OURS":
						want = ours
					case "OLD":
						want = before
					}
					if got := at(doc, strings.Split(path, ".")...); !reflect.DeepEqual(got, want) {
						t.Errorf("%s is %v, want %v", path, got, want)
					}
				}
				if seen := cloud.Seen("bot"); seen.Serving != tt.serving || (cloud.Serving("bot") == ours) != tt.serving || seen.Desired != ours {
					t.Errorf("the books have %+v, want it to serve: %v", seen, tt.serving)
				}
			})
		})
	}
}

// TestLongLife holds that an existing agent continues by its script.
func TestLongLife(t *testing.T) {
	cloud := newCloud()
	cloud.SetScript("bot", simulator.Script{Frames: []simulator.Frame{{Phase: pipecat.Active, Ready: true, Replicas: 5,
		Health: &pipecat.Health{Ready: true, State: "running", RestartCount: new(9), ReplicasStarted: 5}}}})
	_, doc := newCaller(t, cloud).call("GET", "/v1/agents/bot", "")
	if at(doc, "currentRevision", "health", "restartCount") != 9.0 || doc["ready"] != true {
		t.Errorf("got %v", doc)
	}
}

// TestShownBuilds holds that a document names its build where it leaves the image out.
func TestShownBuilds(t *testing.T) {
	cloud := newCloud()
	cloud.ShowBuilds = true
	_, doc := newCaller(t, cloud).call("POST", "/v1/agents/bot", `{"buildId":"`+goodBuild+`"}`)
	if image := spec(doc, "image"); image != nil || at(doc, "deployment", "buildId") != goodBuild {
		t.Errorf("image %v, build %v", image, at(doc, "deployment", "buildId"))
	}
}

// TestArchitecture holds that it wins over the field that it replaces.
func TestArchitecture(t *testing.T) {
	cloud := newCloud()
	cloud.AMD64 = true
	c := newCaller(t, cloud)
	for _, tt := range []struct{ body, want string }{
		{`{"nodeType":"amd"}`, "amd"}, {`{"nodeType":"amd","architecture":"arm64"}`, "arm"}, {`{"architecture":"amd64"}`, "amd"},
	} {
		if _, doc := c.call("POST", "/v1/agents/bot", tt.body); spec(doc, "dailyNodeType") != tt.want {
			t.Errorf("%s: got %v", tt.body, spec(doc, "dailyNodeType"))
		}
	}
	if _, doc := c.call("POST", "/v1/agents", `{"serviceName":"new-bot","image":"a:b","architecture":"amd64"}`); spec(doc, "dailyNodeType") != "amd" {
		t.Errorf("created: %v", doc)
	}
}

// TestResources holds where an agent may have them, and that a profile replaces them.
func TestResources(t *testing.T) {
	const body = `{"resources":{"cpu":"2","memory":"4Gi"}}`
	if status, _ := newCaller(t, newCloud()).call("POST", "/v1/agents/bot", body); status != 400 {
		t.Errorf("in the platform's own region: %d", status)
	}
	cloud := newCloud()
	cloud.SelfHosted = true
	c := newCaller(t, cloud)
	if status, doc := c.call("POST", "/v1/agents/bot", body); status != 200 || doc["agentProfile"] != nil || at(doc, "resources", "memory") != "4Gi" {
		t.Errorf("got %d %v", status, doc)
	}
	if status, doc := c.call("POST", "/v1/agents/bot", `{"agentProfile":"agent-2x"}`); status != 200 || doc["agentProfile"] != "agent-2x" || doc["resources"] != nil {
		t.Errorf("with a profile again: %d %v", status, doc)
	}
}

// TestRaced holds how a creation is answered that meets an agent.
func TestRaced(t *testing.T) {
	for status, want := range map[int]string{0: "Service already exists", 409: "Service already exists", 200: ""} {
		cloud := &simulator.Cloud{ExistsStatus: status, Raced: func(string) *pipecat.Settings { return &pipecat.Settings{Image: "acme/bot:theirs"} }}
		got, answer := newCaller(t, cloud).call("POST", "/v1/agents", `{"serviceName":"bot","image":"acme/bot:ours"}`)
		if message, _ := answer["error"].(string); message != want || got != max(status, 200) && got != 400 {
			t.Errorf("%d: got %d %v", status, got, answer)
		}
		ids := cloud.Deployments("bot")
		if !reflect.DeepEqual(cloud.Foreign("bot"), ids) || len(ids) != 1 || cloud.Manifest("bot", ids[0]).Image != "acme/bot:theirs" {
			t.Errorf("%d: deployments %q", status, ids)
		}
		if status == 200 && (answer["desiredDeploymentId"] != ids[0] || spec(answer, "image") != "acme/bot:theirs") {
			t.Errorf("the answer is not the agent that is there: %v", answer)
		}
	}
}

// TestAccepted holds that a request is done though its answer says otherwise, and
// what documents of nothing are.
func TestAccepted(t *testing.T) {
	cloud := newCloud()
	send := func(h http.Handler, method, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/agents/bot", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer k")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for i, status := range []int{302, 409, 410, 429, 503} {
		w := send(simulator.Accepted(cloud, simulator.Writes, status, http.Header{"Location": {"/elsewhere"}}, "busy"), "POST", `{"forceRedeploy":true}`)
		if n := len(cloud.Deployments("bot")); w.Code != status || w.Body.String() != "busy" || w.Header().Get("Location") == "" || n != i+2 {
			t.Errorf("%d: got %d %q, with %d deployments", status, w.Code, w.Body, n)
		}
	}
	if w := send(simulator.OtherName(cloud, simulator.Reads), "GET", ""); !strings.Contains(w.Body.String(), `"name":"another-agent"`) {
		t.Errorf("not another agent's: %s", w.Body)
	}
	if w := send(simulator.NoDeployment(cloud, simulator.Reads), "GET", ""); !strings.Contains(w.Body.String(), `"desiredDeploymentId":null`) {
		t.Errorf("it names a deployment: %s", w.Body)
	}
	if w := send(simulator.Answer(cloud, simulator.Reads, 404, nil, "<html>"), "GET", ""); w.Code != 404 || w.Body.String() != "<html>" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestAgents lists agents and deletes one.
func TestAgents(t *testing.T) {
	cloud := newCloud()
	cloud.AddAgent("far", "eu-central", "acme/bot:v1")
	c := newCaller(t, cloud)
	names := func(query string) (names []any) {
		_, answer := c.call("GET", "/v1/agents"+query, "")
		for _, s := range answer["services"].([]any) {
			item := s.(map[string]any)
			names = append(names, item["name"])
			if whole := strings.Contains(query, "Deployment=true"); (item["deployment"] != nil) != whole {
				t.Errorf("%s: %v", query, item)
			}
		}
		return names
	}
	for query, want := range map[string][]any{"": {"bot", "far"}, "?region=eu-central": {"far"}, "?includeActiveDeployment=true": {"bot", "far"}} {
		if got := names(query); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	if status, answer := c.call("DELETE", "/v1/agents/far", ""); status != 200 || answer["status"] != "OK" {
		t.Errorf("delete: %d %v", status, answer)
	}
	if got := names(""); !reflect.DeepEqual(got, []any{"bot"}) {
		t.Errorf("after it: %v", got)
	}
}

// TestSessions starts a session, and ends it.
func TestSessions(t *testing.T) {
	cloud := newCloud()
	c := newCaller(t, cloud)
	_, started := c.call("POST", "/v1/public/bot/start", `{"createDailyRoom":true,"body":{"a":1}}`)
	id, _ := started["sessionId"].(string)
	if id == "" || started["dailyRoom"] == nil {
		t.Fatalf("started %v", started)
	}
	c.call("POST", "/v1/public/bot/start", `{"transport":"websocket"}`)
	count := func(query string) any {
		_, answer := c.call("GET", "/v1/agents/bot/sessions"+query, "")
		return answer["total_count"]
	}
	if _, s := c.call("GET", "/v1/agents/bot/sessions/"+id, ""); s["deploymentId"] != cloud.Deployments("bot")[0] || s["endedAt"] != nil {
		t.Errorf("got %v", s)
	}
	if status, s := c.call("DELETE", "/v1/agents/bot/sessions/"+id, ""); status != 200 || s["session_id"] != id {
		t.Errorf("end: %d %v", status, s)
	}
	if status, _ := c.call("DELETE", "/v1/agents/bot/sessions/"+id, ""); status != 400 {
		t.Errorf("end again: %d", status)
	}
	for query, want := range map[string]any{"": 2.0, "?status=active": 1.0, "?status=ended&limit=1": 1.0, "?deploymentId=x": 0.0, "?startType=cold": 0.0} {
		if got := count(query); got != want {
			t.Errorf("%s: %v sessions, want %v", query, got, want)
		}
	}
	if _, doc := c.call("GET", "/v1/agents/bot", ""); doc["activeSessionCount"] != 1.0 {
		t.Errorf("active: %v", doc["activeSessionCount"])
	}
	r := httptest.NewRequest("POST", "/v1/public/bot/start", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer sk_test")
	w := httptest.NewRecorder()
	if cloud.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("with a Private key: %d", w.Code)
	}
}

// TestProperties sets the organization's default region, which new agents and sets
// get.
func TestProperties(t *testing.T) {
	c := newCaller(t, newCloud())
	if status, answer := c.call("PATCH", "/v1/properties", `{"defaultRegion":"eu-central"}`); status != 200 || at(answer, "properties", "defaultRegion", "currentValue") != "eu-central" {
		t.Errorf("got %d %v", status, answer)
	}
	if _, answer := c.call("GET", "/v1/properties", ""); at(answer, "properties", "defaultRegion") != "eu-central" {
		t.Errorf("got %v", answer)
	}
	c.call("GET", "/v1/properties/schema", "")
	if _, doc := c.call("POST", "/v1/agents", `{"serviceName":"new-bot","image":"a:b"}`); doc["region"] != "eu-central" {
		t.Errorf("created in %v", doc["region"])
	}
}

// TestWrittenSets writes secret sets, which are pending for a while and keep the
// keys that are not sent.
func TestWrittenSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		cloud.SecretsAfter = 5 * time.Second
		c := newCaller(t, cloud)
		put := func(set, body string) {
			if status, answer := c.call("PUT", "/v1/secrets/"+set, body); status != 202 || answer["region"] != "us-west" {
				t.Errorf("%s: %d %v", set, status, answer)
			}
		}
		put("new-keys", `{"secrets":[{"secretKey":"A","secretValue":"1"},{"secretKey":"B","secretValue":"2"}]}`)
		put("new-keys", `{"secrets":[{"secretKey":"B","secretValue":"3"},{"secretKey":"C","secretValue":"4"}]}`)
		put("new-pull", `{"isImagePullSecret":true,"host":"https://ghcr.io/","secretValue":"dTp0"}`)
		if status, _ := c.call("POST", "/v1/agents/bot", `{"secretSet":"new-keys"}`); status != 409 {
			t.Errorf("a pending set: %d", status)
		}
		time.Sleep(5 * time.Second)
		keys := func() any {
			_, set := c.call("GET", "/v1/secrets/new-keys", "")
			return set["secrets"]
		}
		key := func(name string) any { return map[string]any{"fieldName": name} }
		if got := keys(); !reflect.DeepEqual(got, []any{key("A"), key("B"), key("C")}) {
			t.Errorf("keys %v", got)
		}
		if status, _ := c.call("POST", "/v1/agents/bot", `{"secretSet":"new-keys","imagePullSecretSet":"new-pull"}`); status != 200 {
			t.Errorf("sets that are ready: %d", status)
		}
		c.call("DELETE", "/v1/secrets/new-keys/B", "")
		if got := keys(); !reflect.DeepEqual(got, []any{key("A"), key("C")}) {
			t.Errorf("keys %v", got)
		}
		c.call("DELETE", "/v1/secrets/new-keys", "")
		_, answer := c.call("GET", "/v1/secrets", "")
		var names []any
		for _, s := range answer["sets"].([]any) {
			names = append(names, at(s.(map[string]any), "name"), at(s.(map[string]any), "type"))
		}
		if want := []any{"far-keys", "secret", "keys", "secret", "new-pull", "imagePullSecret", "pull", "imagePullSecret", "slow-keys", "secret"}; !reflect.DeepEqual(names, want) {
			t.Errorf("sets %v", names)
		}
	})
}
