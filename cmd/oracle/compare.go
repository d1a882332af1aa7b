package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// compare finds what of a document is not in the agent that it was decoded to: lost
// are fields that the agent has, and that hold something else; unread are those
// that it has not.
func compare(document []byte, agent *pipecat.Agent) (lost, unread []string) {
	var raw any
	if err := json.Unmarshal(document, &raw); err != nil {
		return []string{err.Error()}, nil
	}
	c := comparison{}
	c.value("", raw, reflect.ValueOf(*agent))
	slices.Sort(c.lost)
	slices.Sort(c.unread)
	return c.lost, c.unread
}

type comparison struct{ lost, unread []string }

// value compares a JSON value with what became of it. Null is the zero value.
func (c *comparison) value(path string, raw any, v reflect.Value) {
	if raw == nil {
		if !v.IsZero() {
			c.lose(path, raw)
		}
		return
	}
	same := false
	switch is := v.Interface().(type) {
	case pipecat.Flag:
		want, isBool := raw.(bool)
		same = isBool && (is == pipecat.True) == want && is != pipecat.Odd && is != pipecat.Absent
	case pipecat.Time:
		text, _ := raw.(string)
		want, err := time.Parse(time.RFC3339, text)
		same = err == nil && is.Equal(want)
	case pipecat.AgentError:
		if text, ok := raw.(string); ok { // which is its message, behind its code
			same = text == is.Code || strings.HasPrefix(text, is.Code) && strings.HasSuffix(text, is.Message)
			break
		}
		c.fields(path, raw, v)
		return
	case pipecat.AgentErrors:
		if _, isList := raw.([]any); !isList { // but one error alone
			raw = []any{raw}
		}
		c.items(path, raw, v)
		return
	default:
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				c.value(path, raw, v.Elem())
				return
			}
		case reflect.Struct:
			c.fields(path, raw, v)
			return
		case reflect.Slice:
			c.items(path, raw, v)
			return
		case reflect.String:
			same = raw == v.String()
		case reflect.Bool:
			same = raw == v.Bool()
		case reflect.Int:
			same = raw == float64(v.Int())
		}
	}
	if !same {
		c.lose(path, raw)
	}
}

func (c *comparison) items(path string, raw any, v reflect.Value) {
	list, ok := raw.([]any)
	if !ok || len(list) != v.Len() {
		c.lose(path, raw)
		return
	}
	for i, item := range list {
		c.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (c *comparison) fields(path string, raw any, v reflect.Value) {
	object, ok := raw.(map[string]any)
	if !ok {
		c.lose(path, raw)
		return
	}
	known := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		known[name] = v.Field(i)
	}
	for name, raw := range object {
		at := strings.TrimPrefix(path+"."+name, ".")
		if field, ok := known[name]; ok {
			c.value(at, raw, field)
		} else {
			c.unread = append(c.unread, at)
		}
	}
}

func (c *comparison) lose(path string, raw any) {
	c.lost = append(c.lost, fmt.Sprintf("%s: %.100v", path, raw))
}
