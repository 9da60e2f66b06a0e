{{ publish_py("gov_digital_attention") }}
