package e2e

import (
	"fmt"
	"strings"
	"time"
)

// callCases are about what a test call by Daily proves, which is watched by its session
// and the log of that.
func callCases() []truth {
	const (
		at     = "2026-08-01 12:00:00.123 | "
		raises = "ERROR    | app:run_bot:42 | s1 - Exception running bot(): 'OPENAI_API_KEY'"
	)
	live := document{"sessionId": "s1", "deploymentId": d2, "createdAt": created[d2], "endedAt": nil, "completionStatus": nil}
	prints := func(entries ...string) any {
		list := []any{}
		for _, text := range entries {
			list = append([]any{document{"log": text, "deploymentId": d2}}, list...)
		}
		return document{"logs": list, "total": document{"value": len(list)}}
	}
	call := func(name string, session, log any, status, reason string, more ...any) truth {
		others := map[string]any{
			"POST /v1/public/demo-agent/start":         document{"sessionId": "s1"},
			"GET /v1/agents/demo-agent/sessions/s1":    session,
			"GET /v1/agents/demo-agent/logs":           log,
			"DELETE /v1/agents/demo-agent/sessions/s1": document{"status": "terminated", "session_id": "s1"},
		}
		for i := 0; i < len(more); i += 2 {
			others[more[i].(string)] = more[i+1]
		}
		return truth{name: name, inputs: inputs("test-call", "daily", "public-api-key", "pk_truth", "test-call-timeout", "30s"), answer: doc(d2, v2), reads: over(doc(d2, v2).ready()),
			others: others, status: status, reason: reason, within: 40 * time.Second}
	}
	ended := call("an end whose response is empty", live, prints(), "ready", "", "DELETE /v1/agents/demo-agent/sessions/s1", says(204, ""))
	ended.check = func(r *truthRun) any {
		if n := len(r.lines(func(s sent) bool { return strings.HasPrefix(s.line, "DELETE ") })); n != 1 || strings.Contains(r.log, "could not be ended") {
			return fmt.Sprintf("%d requests for the end of the session", n)
		}
		return nil
	}
	hidden := call("keys and rooms in the log", live, prints(at+"ERROR    | a:b:1 | s1 - Error joining https://acme.daily.co/room-0123?t=token-0123", "INFO:     \"WebSocket /ws/token-4567\" 403", "ice: secret-8901", "of a caller: https://acme.daily.co/room-2345"),
		"red", "no-answer", "POST /v1/public/demo-agent/start", document{"sessionId": "s1", "dailyRoom": "https://acme.daily.co/room-0123", "dailyToken": "token-0123", "token": "token-4567",
			"iceConfig": document{"iceServers": []any{document{"urls": "turn:x", "username": "u", "credential": "secret-8901"}}}})
	hidden.check = func(r *truthRun) any {
		for _, key := range []string{"room-0123", "token-0123", "token-4567", "secret-8901", "room-2345"} {
			if strings.Contains(r.log, key) || strings.Contains(fmt.Sprint(r.outputs), key) {
				return "it shows " + key
			}
		}
		return nil
	}
	unread := call("an agent that cannot be read", live, prints(), "failed", "unproven")
	unread.reads, unread.check = inTurn(doc(d2, v2).ready(), refuses(503, "down")), func(r *truthRun) any {
		return differs(r.outputs["test-call"] != "unproven", "test-call is "+r.outputs["test-call"])
	}
	enough, tooShort := call("live, in as much time as that takes", live, prints(), "ready", ""), call("live, in less time than that takes", live, prints(), "failed", "unproven")
	enough.inputs["test-call-timeout"], tooShort.inputs["test-call-timeout"] = "10s", "9s"
	old := call("an instance of another deployment", live.with("deploymentId", d1), prints(), "failed", "unproven")
	replaced := call("an instance of a newer deployment", live.with("deploymentId", d3), prints(), "superseded", "superseded")
	replaced.reads = over(doc(d2, v2).ready(), 5, doc(d3, v3).ready())
	return []truth{
		old, replaced, hidden, unread, enough, tooShort,
		ended,
		call("live", live, prints("up"), "ready", ""),
		call("live, with a field of another type", live.with("botStartSeconds", "2", "endState", document{}), prints(), "ready", ""),
		call("live, with a status that nobody knows", live.with("completionStatus", "ACTIVE"), prints(), "ready", ""),
		call("a document of no session", document{}, prints(), "red", "unproven"),
		call("a document around the session", document{"session": live}, prints(), "red", "unproven"),
		call("another session", live.with("sessionId", "s2"), prints(), "red", "unproven"),
		call("an end that is a number", live.with("endedAt", 946684805), prints(), "red", "unproven"),
		call("an end that is no time", live.with("endedAt", "2000-01-01 00:00:05"), prints(), "red", "unproven"),
		call("a status that is a number", live.with("completionStatus", 500, "endedAt", created[d2]), prints(), "red", "no-answer"),
		call("a good status that is a number", live.with("completionStatus", 200, "endedAt", created[d2]), prints(), "red", "unproven"),
		call("no log", live, document{"message": "logs are off"}, "red", "unproven"),
		call("an exception in a line with a field of another type", live, document{"logs": []any{document{"log": at + raises, "deploymentId": 7}, document{"log": "up"}}}, "red", "no-answer"),
		call("lines of another type", live, document{"logs": []any{document{"log": 7}, 7, nil, document{"log": "up"}}}, "ready", ""),
		call("an exception", live, prints(at+raises), "red", "no-answer"),
		call("an exception in the second line of an entry", live, prints(at+"INFO     | app:run_bot:40 | s1 - Starting bot session\n"+at+raises+"\n"), "red", "no-answer"),
		call("a time with an offset", live, prints("2026-08-01T12:00:00.123+00:00 | "+raises), "red", "no-answer"),
		call("an exception in JSON", live, prints(`{"text": "x", "record": {"level": {"name": "ERROR"}, "message": "Exception running bot(): x"}}`), "red", "no-answer"),
		call("the words of a caller in JSON", live, prints(`{"text": "x", "record": {"level": {"name": "DEBUG"}, "message": "Exception running bot(): x"}}`), "ready", ""),
		call("the words of a caller", live, prints(at+"DEBUG    | a:b:1 | s1 - user: "+at+raises), "ready", ""),
	}
}
