-- A model without a row is a fault of the sync or of the model.
{% for model in ['stg_failures', 'stg_cases', 'stg_outstanding_deprovisioning', 'stg_days', 'stg_incidents'] %}
select '{{ model }}' as model where not exists (select 1 from {{ ref(model) }})
{% if not loop.last %}union all{% endif %}
{% endfor %}
