package ghatest

import (
	"maps"
	"reflect"
	"testing"
)

func TestCommands(t *testing.T) {
	command := func(name, data string, pairs ...string) Command {
		c := Command{name, map[string]string{}, data}
		for i := 0; i < len(pairs); i += 2 {
			c.Properties[pairs[i]] = pairs[i+1]
		}
		return c
	}
	just := func(commands ...Command) []Command { return commands }
	for _, tt := range []struct {
		name, log string
		want      []Command
	}{
		{"nothing", "", nil},
		{"text", "a\nb: c :: d\n", nil},
		{"a command", "::error::a", just(command("error", "a"))},
		{"no data", "::endgroup::", just(command("endgroup", ""))},
		{"one of a name that is not known", "::fault::a\n::internal-set-repo-path::a\n::::a\n:: error::a", nil},
		{"one without an end", "::error\n::error:a\n:error::a", nil},
		{"in the middle of a line", "a ::error::a", nil},
		{"after white space", " \t\v\f\u0085\u00a0\u1680\u2003\u2028\u202f\u3000::error::a", just(command("error", "a"))},
		{"after what is no white space", "\u200b::error::a\n\ufeff::error::a\n\x1c::error::a", nil},
		{"data stays as it is", "::error:: a :: b ", just(command("error", " a :: b "))},
		{"upper case", "::ERROR Title=a::b\n##[Group]c", just(command("error", "b", "title", "a"), command("group", "c"))},
		{"letters that fold to ASCII", "::de\u017fug::a\n::not\u0131ce::a\n::stop-command\u017f::a\n::add-mas\u212a::a\n::echo::a", just(command("echo", "a"))},
		{"the ends of lines", "::debug::a\r::debug::b\r\n::debug::c\n::debug::d\u2028::debug::e",
			just(command("debug", "a"), command("debug", "b"), command("debug", "c"), command("debug", "d\u2028::debug::e"))},
		{"every command",
			"::set-env::\n::set-output::\n::save-state::\n::add-mask::\n::add-path::\n::add-matcher::\n::remove-matcher::\n" +
				"::debug::\n::warning::\n::error::\n::notice::\n::group::\n::endgroup::\n::echo::",
			just(command("set-env", ""), command("set-output", ""), command("save-state", ""), command("add-mask", ""), command("add-path", ""),
				command("add-matcher", ""), command("remove-matcher", ""), command("debug", ""), command("warning", ""), command("error", ""),
				command("notice", ""), command("group", ""), command("endgroup", ""), command("echo", ""))},

		{"properties", "::error file=a b,line=1::c", just(command("error", "c", "file", "a b", "line", "1"))},
		{"spaces around properties", "::error   file=a, line=1 ::c", just(command("error", "c", "file", "a", " line", "1"))},
		{"invalid properties", "::error a,=b,c=,,=,d==e=f,=g=h,i==::j", just(command("error", "j", "d", "e=f", "g", "h"))},
		{"the last of two", "::error a=1,A=2::", just(command("error", "", "a", "2"))},
		{"a property ends at ::", "::error title=a::b::c", just(command("error", "b::c", "title", "a"))},
		{"escaped data", "::error::a%0D%0A%25%3A%2C%0a%250A", just(command("error", "a\r\n%%3A%2C%0a%0A"))},
		{"escaped properties", "::error title=a%0D%0A%3A%2C%25%3B%5D%253A::", just(command("error", "", "title", "a\r\n:,%%3B%5D%3A"))},

		{"a legacy command", "##[error]a", just(command("error", "a"))},
		{"anywhere in a line", "a ##[error]b", just(command("error", "b"))},
		{"of a name that is not known", "##[fault]a\n##[error a\n## [error]a", nil},
		{"the first in a line decides", "##[fault]##[error]a", nil},
		{"behind an invalid v2 command", "::fault::##[error]a", just(command("error", "a"))},
		{"behind a v2 command", "::error::##[group]a", just(command("error", "##[group]a"))},
		{"legacy properties", "##[error file=a,b;line=1; x=2]c", just(command("error", "c", "file", "a,b", "line", "1", " x", "2"))},
		{"legacy escapes", "##[error title=a%3B%5D%3A%25]b%0D%0A%3B%5D%2C%255D", just(command("error", "b\r\n;]%2C%5D", "title", "a;]%3A%"))},

		{"stopped", "::stop-commands::x1\n::error::a\n##[error]a\n::stop-commands::y\n::y::\n::x1::\n::error::b", just(command("error", "b"))},
		{"stopped for good", "::stop-commands::x1\n::x2::\nx1\n::error::a", nil},
		{"resumed in another case", "::stop-commands::xÜ\n::Xü::\n::error::a", just(command("error", "a"))},
		{"resumed in the legacy way", "::stop-commands::x1\na ##[x1]\n::error::a", just(command("error", "a"))},
		{"stopped in the legacy way", "##[Stop-Commands]x1\n::error::a\n::x1 a=b::c\n::error::b", just(command("error", "b"))},
		{"not resumed behind another command", "::stop-commands::x1\n::error::##[x1]\n::error::a", nil},
		{"a token with a space never comes", "::stop-commands::x 1\n::x 1::\n::x::\n::error::a", nil},
		{"a token is none once used", "::stop-commands::x1\n::x1::\n::x1::\n::stop-commands::x1\n::error::a", nil},
		{"no token", "::stop-commands::\n::error::a", just(command("error", "a"))},
		{"a token that is a command", "::stop-commands::Error\n::stop-commands::stop-commands\n::error::a", just(command("error", "a"))},
		{"a token that is not taken", "::stop-commands::Pause-Logging\n::error::a", just(command("error", "a"))},
	} {
		if got := Commands(tt.log); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestOutputs(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       map[string]string // nil for an error
	}{
		{"nothing", "", map[string]string{}},
		{"empty lines", "\n\na=b\n\n", map[string]string{"a": "b"}},
		{"a value", "a=b", map[string]string{"a": "b"}},
		{"an empty value", "a=\n", map[string]string{"a": ""}},
		{"a value with all of it", "a=b=c<<d\r\n", map[string]string{"a": "b=c<<d\r"}},
		{"spaces stay", " a = b \n", map[string]string{" a ": " b "}},
		{"the last of two", "a=b\na=c\n", map[string]string{"a": "c"}},
		{"lines", "a<<E\nb\nc=d\n\nE\ne=f\n", map[string]string{"a": "b\nc=d\n", "e": "f"}},
		{"no lines", "a<<E\nE", map[string]string{"a": ""}},
		{"an empty line", "a<<E\n\nE\n", map[string]string{"a": ""}},
		{"an end with = and <<", "a<<=E<<\nb\n=E<<\n", map[string]string{"a": "b"}},
		{"what is like the end is not it", "a<<E\n E\nE \nE\r\nEE\ne\nE\n", map[string]string{"a": " E\nE \nE\r\nEE\ne"}},
		{"\\r ends no line", "a=b\rc=d\n", map[string]string{"a": "b\rc=d"}},
		{"neither = nor <<", "a\n", nil},
		{"white space alone", " \n", nil},
		{"no name", "=a\n", nil},
		{"no name before lines", "<<E\nE\n", nil},
		{"no end named", "a<<\n\n", nil},
		{"no end", "a<<E\nb\n", nil},
		{"nothing after the first line", "a<<E", nil},
		{"no end after another value", "a=b\nc<<E", nil},
	} {
		got, err := Outputs(tt.file)
		if (err != nil) != (tt.want == nil) || !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}
