"""``sim describe`` as a user meets it."""

import json

from command_lines import write_network
from sim.commands.parser import main


def test_describe_prints_json_or_a_table_or_writes_a_file(tmp_path, capsys):
    network, _ = write_network(tmp_path, seed=11, images=1)
    assert main(["describe", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["digest"] == f"{network.digest:08x}"

    assert main(["describe", "--json", str(tmp_path)]) == 0, "a folder is no file to write"
    assert json.loads(capsys.readouterr().out) == facts

    file = tmp_path / "facts.json"
    assert main(["describe", str(tmp_path), "--json", str(file)]) == 0
    assert json.loads(file.read_text()) == facts
    assert f"network {network.digest:08x}" in capsys.readouterr().out
