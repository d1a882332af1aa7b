package simulator_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOrganization holds that the paths of an organization show what those of a
// Private key do, in the shapes that the platform's own CLI reads. .ci/oracle runs
// the CLI itself.
func TestOrganization(t *testing.T) {
	cloud := newCloud()
	call := func(method, path, body string, want int) map[string]any {
		t.Helper()
		r := httptest.NewRequest(method, "/v1/organizations"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer pcc_pat_test")
		w := httptest.NewRecorder()
		cloud.ServeHTTP(w, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != want {
			t.Fatalf("%s %s: %d %v, want %d: %s", method, path, w.Code, err, want, w.Body)
		}
		return answer
	}
	first := func(answer map[string]any, list string) map[string]any {
		t.Helper()
		items, _ := answer[list].([]any)
		if len(items) == 0 {
			t.Fatalf("no %s in %v", list, answer)
		}
		return items[0].(map[string]any)
	}
	org := "/" + first(call("GET", "", "", 200), "organizations")["name"].(string)

	call("GET", "/other-org/services", "", 404)
	call("GET", org+"/services/none", "", 404)
	call("PUT", org+"/services", `{"serviceName":"none","image":"acme/bot:v2"}`, 404)
	call("PUT", org+"/services", `[]`, 400)
	before := call("GET", org+"/services/bot", "", 200)["body"].(map[string]any)["desiredDeploymentId"]
	call("PUT", org+"/services", `{"serviceName":"bot","image":"acme/bot:v2"}`, 200)
	if after := first(call("GET", org+"/services/bot/deployments", "", 200), "deployments")["id"]; after == before || len(cloud.Deployments("bot")) != 2 {
		t.Errorf("an update made %v of %v", after, before)
	}
	call("GET", org+"/services/none/deployments", "", 404)

	call("PUT", org+"/secrets/new-set", `{"name":"new-set","isImagePullSecret":false,"secretKey":"KEY","secretValue":"x","region":"us-east"}`, 202)
	set := call("GET", org+"/secrets/new-set", "", 200)
	if first(set, "secrets")["fieldName"] != "KEY" || set["region"] != "us-east" {
		t.Errorf("a set is %v", set)
	}
	call("PUT", org+"/secrets/new-pull", `{"isImagePullSecret":true,"secretValue":"YTpi","host":"ghcr.io"}`, 202)
	call("PUT", org+"/secrets/new-set", `[]`, 400)
	if first(call("GET", org+"/agent-profiles", "", 200), "agentProfiles")["api_name"] != "agent-1x" {
		t.Error("no profiles")
	}
}
